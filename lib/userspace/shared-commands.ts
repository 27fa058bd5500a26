/**
 * The command thread that connections share which change their own paths. The first command opens
 * it; it closes when there has been no command for a while and nothing is announced.
 */
import { SharedResource } from '../base/shared-resource';
import { PathManagerEvents } from '../events/stream';
import { Commands } from '../kernel/commands';
import { Userspace } from './userspace';

const LINGER = 1000; // ms

/** What the connections of this environment share. */
export interface Shared {
  readonly commands: Commands;
  readonly userspace: Userspace;
}

const shared = new SharedResource(open, close, LINGER);

/** Gives the shared commands, which stay open until `release` is called. */
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
