/**
 * Whether this kernel's events report that a peer denies joins to its first address and port: since
 * Linux 6.17, and where that was backported. The attribute is there only where it has a flag to
 * report, so that its absence means nothing by itself.
 */
import type { Commands } from '../kernel/commands';

let reported: boolean | undefined;
let warned = false;

/** Notes that an event had the attribute. */
export function noteFlagsAttribute(): void {
  reported = true;
}

/** Whether the absence of the attribute means that the peer does not deny joins. */
export const eventsReportDeniedJoins = (): boolean => reported === true;

/**
 * Asks the kernel unless that is known; warns once (MPTCP_DENIED_JOINS) where it does not report.
 */
export async function probeDeniedJoins(
  commands: Pick<Commands, 'tellsDeniedJoins'>,
): Promise<void> {
  reported ??= await commands.tellsDeniedJoins();
  if (reported || warned) return;
  warned = true;
  const subject = reported === false ? 'Before Linux 6.17 events do' : 'Events of this kernel may';
  process.emitWarning(
    `${subject} not report whether a peer denies joins to its first address: in userspace mode no ` +
      'subflow is made to it, but to the addresses that peers announce',
    { type: 'MptcpWarning', code: 'MPTCP_DENIED_JOINS' },
  );
}
