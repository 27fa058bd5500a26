/** How `ip mptcp` ends: its error texts, byte for byte, and its exit codes. */

/** The exit codes of ip(8). */
export const EXIT = { ERROR: 255, ADDRESS: 1, KERNEL: 2 } as const;

/** Ends the program, or a line of a batch file, with texts on standard error. */
export class IpExit extends Error {
  constructor(
    readonly exitCode: number,
    /** Whole lines for standard error. */
    readonly text: string,
    /** Whether a batch goes on to its next line under -force. */
    readonly continues = false,
  ) {
    super(text);
  }
}

/** The text of invarg() in iproute2. */
export const wrong = (argument: string, why: string): IpExit =>
  new IpExit(EXIT.ERROR, `Error: argument "${argument}" is wrong: ${why}\n`);

/** The text of missarg() in iproute2. */
export const missing = (argument: string): IpExit =>
  new IpExit(EXIT.ERROR, `Error: argument "${argument}" is required\n`);

/** The text of incomplete_command() in iproute2. */
export const incomplete = (): IpExit =>
  new IpExit(EXIT.ERROR, 'Command line is not complete. Try option "help"\n');

/** What strerror(3) of the GNU C library says of the errors that the kernel's path manager returns. */
const TEXTS: Readonly<Record<number, string>> = {
  1: 'Operation not permitted',
  2: 'No such file or directory',
  3: 'No such process',
  7: 'Argument list too long',
  11: 'Resource temporarily unavailable',
  12: 'Cannot allocate memory',
  13: 'Permission denied',
  16: 'Device or resource busy',
  17: 'File exists',
  19: 'No such device',
  22: 'Invalid argument',
  34: 'Numerical result out of range',
  90: 'Message too long',
  95: 'Operation not supported',
  97: 'Address family not supported by protocol',
  98: 'Address already in use',
  99: 'Cannot assign requested address',
  105: 'No buffer space available',
  107: 'Transport endpoint is not connected',
};

/** The text of an errno, positive or negative, as the GNU C library has it. */
export function textOf(errno: number): string {
  const number = Math.abs(errno);
  return TEXTS[number] ?? `Unknown error ${number}`;
}

/** What iproute2 prints of an extended acknowledgement, or of the errno where there is none. */
export function answerText({ errno = 0, extack }: { errno?: number; extack?: string }): string {
  if (extack === undefined || extack === '') return `RTNETLINK answers: ${textOf(errno)}\n`;
  return `Error: ${extack}${extack.endsWith('.') ? '' : '.'}\n`;
}

/** The kernel's refusal of a command; other errors are thrown as they are. */
export function refusal(error: unknown): IpExit {
  const { errno, extack } = (error ?? {}) as { errno?: number; extack?: string };
  if (errno === undefined) throw error;
  return new IpExit(
    EXIT.KERNEL,
    answerText({ errno, ...(extack !== undefined && { extack }) }),
    true,
  );
}
