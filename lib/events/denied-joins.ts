/**
 * Whether this kernel's events say that a peer denies joins to its first address and port: since
 * Linux 6.17, and where that was backported. They have an attribute for it where there is something
 * to say, so that its absence means nothing by itself.
 */
import type { Commands } from '../kernel/commands';

let told: boolean | undefined;
let warned = false;

/** An event had the attribute. */
export function noteFlags(): void {
  told = true;
}

export const eventsTell = (): boolean => told === true;

/** Asks the kernel, unless that is known; says once what follows where it does not tell. */
export async function findOut(commands: Pick<Commands, 'tellsDeniedJoins'>): Promise<void> {
  told ??= await commands.tellsDeniedJoins();
  if (told || warned) return;
  warned = true;
  const reason = told === false ? 'Before Linux 6.17 events do' : 'Here events may';
  process.emitWarning(
    `${reason} not tell whether a peer denies joins to its first address: in userspace mode no subflow ` +
      'is made to it, but to the addresses that peers announce',
    { type: 'MptcpWarning', code: 'MPTCP_DENIED_JOINS' },
  );
}
