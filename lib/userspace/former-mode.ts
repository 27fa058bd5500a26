/**
 * What a network namespace's mode was before a process set it to userspace, kept in a file that
 * outlives the process: after SIGKILL its successor restores what the administrator had set, and not
 * the userspace mode that was left behind. Without a folder that only privileged processes can write,
 * nothing is kept, and a mode that is found counts as the administrator's.
 */
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Commands } from '../kernel/commands';

/** It is empty after each start of the machine, when cookies begin anew. */
const FOLDER = '/run/mptcp';

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

/** The former mode of one network namespace. */
export interface FormerMode {
  /** What a process has kept that could not restore it; undefined: none has. */
  recall(): string | undefined;
  /** Keeps the mode that is to be restored. */
  keep(mode: string): void;
  /** The mode is restored. */
  forget(): void;
}

const FORGETFUL: FormerMode = {
  recall: () => undefined,
  keep: () => undefined,
  forget: () => undefined,
};

/** The former mode of the commands' namespace. */
export async function formerMode(
  commands: Pick<Commands, 'namespaceCookie'>,
  folder: string = FOLDER,
): Promise<FormerMode> {
  const cookie = await commands.namespaceCookie().catch(() => undefined); // before Linux 5.14
  if (cookie === undefined) return FORGETFUL;
  const file = join(folder, `${cookie}.mode`);
  return {
    recall: () =>
      attempt(() => (isTrusted(folder) ? readFileSync(file, 'utf8').trim() : undefined)),
    keep(mode) {
      attempt(() => mkdirSync(folder, { mode: 0o755 }));
      attempt(() => {
        if (isTrusted(folder)) writeFileSync(file, `${mode}\n`);
      });
    },
    forget() {
      attempt(() => rmSync(file));
    },
  };
}
