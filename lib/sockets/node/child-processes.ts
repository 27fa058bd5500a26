/** Marks the handles that another process gets too: those sent to it, and those in its stdio. */
import { ChildProcess } from 'node:child_process';
import net from 'node:net';
import { handleOf, kShared } from './handle';

/** Marks the handle of a socket. */
function share(sent: unknown): void {
  const handle = sent instanceof net.Socket ? handleOf(sent) : undefined;
  if (handle) handle[kShared] = true;
}

type Send = (message: unknown, sent?: unknown, ...rest: unknown[]) => boolean;

/** Marks the handles that are sent by the channel between a process and its child. */
function watchChannel(end: { send?: Send | undefined }): void {
  const { send } = end;
  if (!send) return;
  end.send = function (this: unknown, message, sent, ...rest) {
    share(sent);
    return send.call(this, message, sent, ...rest);
  };
}

/** Wraps the channel to the parent process, and those to the children that are spawned. */
export function installInChildProcesses(): void {
  watchChannel(process as { send?: Send });
  const prototype = ChildProcess.prototype as unknown as {
    spawn(options: { stdio?: unknown }, ...rest: unknown[]): number;
  };
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is always called on a process
  const { spawn } = prototype;
  prototype.spawn = function (this: ChildProcess, options, ...rest) {
    if (Array.isArray(options.stdio)) options.stdio.forEach(share);
    const status = spawn.call(this, options, ...rest);
    watchChannel(this as { send?: Send });
    return status;
  };
}
