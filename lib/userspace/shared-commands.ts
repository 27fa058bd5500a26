/**
 * The command thread of this environment for connections that change their own paths: opened with
 * the first command, closed when there has been none for a while and nothing is announced.
 */
import { PathManagerEvents } from '../events/stream';
import { Commands } from '../kernel/commands';
import { Userspace } from './userspace';

const LINGER = 1000; // ms

export interface Shared {
  readonly commands: Commands;
  readonly userspace: Userspace;
}

let shared: Shared | undefined;
let users = 0;
let lingering: NodeJS.Timeout | undefined;

/** Until `release` is called. */
export function useCommands(): Shared & { release: () => void } {
  clearTimeout(lingering);
  shared ??= open();
  users++;
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    if (--users === 0) lingering = setTimeout(close, LINGER).unref();
  };
  return { ...shared, release };
}

function open(): Shared {
  const commands = new Commands(undefined);
  return {
    commands,
    userspace: new Userspace(commands, () => new PathManagerEvents(undefined, {})),
  };
}

function close(): void {
  shared?.userspace.close();
  void shared?.commands.close();
  shared = undefined;
}
