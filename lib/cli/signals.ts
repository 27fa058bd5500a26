/** Ends commands that stream: when the user or the system asks for it, or nobody reads the output. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SIGNAL_BASE = 128; // how shells count the exit codes of signals

/** What ends a command, and with which exit code. */
export interface End {
  readonly signal: AbortSignal;
  /** The exit code that the reason of the end demands; undefined: the command's own. */
  readonly exitCode: number | undefined;
  /** Leaves signals to Node.js again. */
  stop(): void;
}

/** Watches a process for what ends its command. A second signal ends the process at once. */
export function endSignal(process: NodeJS.Process): End {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      exitCode = SIGNAL_BASE + constants.signals[name];
      controller.abort();
    };
    process.once(name, listener);
    return () => void process.off(name, listener);
  });
  // A reader that has enough, such as head(1), is no error.
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      controller.abort();
    });
  }
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    stop: () => listeners.forEach((stop) => stop()),
  };
}
