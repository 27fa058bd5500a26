/** Processes of a network namespace that write its endpoints, found by their names. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { MptcpError } from '../../base/errors';

/** A process that is known to write endpoints. */
export interface WritingProcess {
  /** The process id. */
  pid: number;
  /** The name of its program (/proc/PID/comm). */
  name: string;
}

const WRITERS = ['NetworkManager', 'mptcpd'];

/** The path of a network namespace, as PathManagerOptions.netns names it. */
export const namespacePath = (netns: string | undefined): string => {
  if (netns === undefined) return '/proc/self/ns/net';
  return netns.includes('/') ? netns : `/run/netns/${netns}`;
};

/** The number of a network namespace, which two paths of it share. */
const namespaceOf = (path: string): number => statSync(path).ino;

/** The processes of the machine, as far as /proc shows them. */
export const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Lists the processes of the namespace that are known to write endpoints. */
export function writingProcesses(netns: string | undefined): WritingProcess[] {
  const wanted = namespaceOf(namespacePath(netns));
  return processIds().flatMap((pid) => {
    try {
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      const writes = WRITERS.includes(name) && namespaceOf(`/proc/${pid}/ns/net`) === wanted;
      return writes ? [{ pid, name }] : [];
    } catch {
      return []; // it has ended, or belongs to another user
    }
  });
}

/** The network namespace of a process, as options name it; undefined: that of this process. */
export function netnsOf(pid: number): string | undefined {
  const path = `/proc/${pid}/ns/net`;
  try {
    return namespaceOf(path) === namespaceOf(namespacePath(undefined)) ? undefined : path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new MptcpError(
      code === 'ENOENT' ? 'ERR_MPTCP_NOT_FOUND' : 'ERR_MPTCP_PERMISSION',
      code === 'ENOENT'
        ? `There is no process ${pid}: \`ps -e\` lists those there are`
        : `The process ${pid} belongs to another user: run as that user, or as root`,
      { cause: error },
    );
  }
}
