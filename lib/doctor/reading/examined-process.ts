/** What /proc shows of a process: how Node.js was started, whether it has the addon, and its sockets. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** A process as /proc shows it. */
export interface ExaminedProcess {
  /** The process id. */
  pid: number;
  /** The arguments with which it was started, the program first. */
  command: string[];
  /** It is a Node.js. */
  isNode: boolean;
  /** The options of Node.js, from its command line and from NODE_OPTIONS. */
  options: string[];
  /** It has loaded the addon of this package. */
  hasAddon: boolean;
  /** The inodes of its sockets. */
  inodes: number[];
}

const ADDON = /\/mptcp(?:\.[\w.]+)?\.node$/m;

/** The options before the first argument that is none: those after it are the program's. */
export function nodeOptions(command: readonly string[], environment: readonly string[]): string[] {
  const own: string[] = [];
  const rest = command.slice(1);
  for (let i = 0; i < rest.length && rest[i]?.startsWith('-'); i++) {
    const option = rest[i] ?? '';
    own.push(option);
    // These have their value in an argument of its own.
    if (['-r', '--require', '--import', '--loader', '-C'].includes(option))
      own.push(rest[++i] ?? '');
  }
  const inherited = environment.find((each) => each.startsWith('NODE_OPTIONS=')) ?? '';
  return [...inherited.slice('NODE_OPTIONS='.length).split(/\s+/).filter(Boolean), ...own];
}

/** Reads /proc/PID. Throws where the process has ended, or belongs to another user. */
export function examineProcess(pid: number): ExaminedProcess {
  const folder = `/proc/${pid}`;
  const words = (name: string): string[] =>
    readFileSync(`${folder}/${name}`, 'utf8').split('\0').filter(Boolean);
  const command = words('cmdline');
  const inodes = readdirSync(`${folder}/fd`).flatMap((fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/fd/${fd}`))?.[1];
      return inode === undefined ? [] : [Number(inode)];
    } catch {
      return []; // it was closed in the meantime
    }
  });
  return {
    ...{ pid, command, inodes },
    isNode: /^node(?:js)?(?:-?\d[\d.]*)?$/.test(basename(readlinkSync(`${folder}/exe`))),
    options: nodeOptions(command, words('environ')),
    hasAddon: ADDON.test(readFileSync(`${folder}/maps`, 'utf8')),
  };
}
