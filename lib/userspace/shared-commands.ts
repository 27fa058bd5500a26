/**
 * The command thread of this environment for connections that change their own paths: opened with
 * the first command, closed when there has been none for a while and nothing is announced.
 */
import { SharedResource } from '../base/shared-resource';
import { PathManagerEvents } from '../events/stream';
import { Commands } from '../kernel/commands';
import { Userspace } from './userspace';

const LINGER = 1000; // ms

export interface Shared {
  readonly commands: Commands;
  readonly userspace: Userspace;
}

const shared = new SharedResource(open, close, LINGER);

/** Until `release` is called. */
export function useCommands(): Shared & { release: () => void } {
  const { resource, release } = shared.use();
  return { ...resource, release };
}

function open(): Shared {
  const commands = new Commands(undefined);
  return {
    commands,
    userspace: new Userspace(commands, () => new PathManagerEvents(undefined, {})),
  };
}

function close({ commands, userspace }: Shared): void {
  userspace.close();
  void commands.close();
}
