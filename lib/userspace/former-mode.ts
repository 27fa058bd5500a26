/**
 * What a network namespace's mode was before a process set it to userspace, kept in a file that
 * outlives the process: after SIGKILL its successor restores what the administrator had set, and not
 * the userspace mode that was left behind. Without a folder that only privileged processes can write,
 * nothing is kept, and a mode that is found counts as the administrator's. A file that a killed process
 * has left is removed after its namespace, when a process writes another one.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Commands } from '../kernel/commands';

/** It is empty after each start of the machine, when cookies begin anew. */
const FOLDER = '/run/mptcp';
const SUFFIX = '.mode';

/** Gives undefined where the folder is absent, read-only or another user's. */
function attempt<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    return undefined;
  }
}

const TYPE_AND_OTHERS_WRITE = 0o170_022;
const DIRECTORY = 0o040_000;

/** Whether it is a folder that only root or this user can write. */
function isTrusted(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return (mode & TYPE_AND_OTHERS_WRITE) === DIRECTORY && (uid === 0 || uid === process.geteuid?.());
}

/** The lines of a file: the mode, and the handle of the namespace where the kernel gives one. */
function readRecord(file: string): { mode?: string; handle?: string } {
  const [mode, handle] = (attempt(() => readFileSync(file, 'utf8')) ?? '').split('\n');
  return { ...(mode && { mode }), ...(handle && { handle }) };
}

type NamespaceCommands = Pick<Commands, 'namespaceCookie' | 'namespaceHandle' | 'namespaceExists'>;

/** The former mode of one network namespace. */
export interface FormerMode {
  /** The file that keeps it; undefined: nothing can be kept. */
  readonly file?: string;
  /** What a process has kept that could not restore it; undefined: none has. */
  recall(): string | undefined;
  /** Keeps the mode that is to be restored. The returned function makes the file what it was. */
  keep(mode: string): () => void;
  /** The mode is restored. */
  forget(): void;
  /** Removes the files of namespaces that are gone, as far as the kernel says so (Linux 6.18). */
  clean(): Promise<void>;
}

const FORGETFUL: FormerMode = {
  recall: () => undefined,
  keep: () => () => undefined,
  forget: () => undefined,
  clean: () => Promise.resolve(),
};

/** The former mode of the commands' namespace. */
export async function formerMode(
  commands: NamespaceCommands,
  folder: string = FOLDER,
): Promise<FormerMode> {
  const cookie = await commands.namespaceCookie().catch(() => undefined); // before Linux 5.14
  if (cookie === undefined) return FORGETFUL;
  const handle = await commands.namespaceHandle().catch(() => undefined);
  const file = join(folder, `${cookie}${SUFFIX}`);
  const trusted = (): boolean => attempt(() => isTrusted(folder)) ?? false;
  const write = (text: string): void =>
    attempt(() => {
      if (trusted()) writeFileSync(file, text);
    });
  const forget = (): void => attempt(() => rmSync(file));
  return {
    file,
    recall: () => (trusted() ? readRecord(file).mode : undefined),
    keep(mode) {
      attempt(() => mkdirSync(folder, { mode: 0o755 }));
      const before = attempt(() => readFileSync(file, 'utf8'));
      write(`${mode}\n${handle === undefined ? '' : `${handle}\n`}`);
      return () => (before === undefined ? forget() : write(before));
    },
    forget,
    async clean() {
      if (trusted()) await removeUseless(folder, commands);
    },
  };
}

async function removeUseless(folder: string, commands: NamespaceCommands): Promise<void> {
  for (const name of attempt(() => readdirSync(folder)) ?? []) {
    const file = join(folder, name);
    const { handle } = name.endsWith(SUFFIX) ? readRecord(file) : {};
    if (handle === undefined) continue;
    const exists = await commands.namespaceExists(handle).catch(() => true);
    if (!exists) attempt(() => rmSync(file));
  }
}
