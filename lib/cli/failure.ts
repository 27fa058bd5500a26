/** How commands fail: exit code 2 for wrong usage, 1 where the kernel or the peer refused. */

/** The exit codes of all commands. */
export const EXIT = { REFUSED: 1, USAGE: 2 } as const;

/** Ends the command with one line and an exit code. */
export class CommandFailure extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
    this.name = 'CommandFailure';
  }
}

/** Node's codes of arguments that the API refuses before it calls the kernel. */
const WRONG_ARGUMENT = /^ERR_(?:INVALID_ARG_|OUT_OF_RANGE|PARSE_ARGS_)/;

/** The exit code of a command that threw an error; undefined: the error is a bug of this program. */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof CommandFailure) return error.exitCode;
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== 'string') return undefined;
  return WRONG_ARGUMENT.test(code) ? EXIT.USAGE : EXIT.REFUSED;
}
