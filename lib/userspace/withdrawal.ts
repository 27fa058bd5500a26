/**
 * Which address id is withdrawn (REMOVE_ADDR) with a subflow that is destroyed, so that the peer closes
 * its end too, as with the in-kernel path manager. Without it the peer of a dark path keeps its end for
 * good.
 */
import type { Abortable } from '../base/abort';
import { isAddress, subflowKey, type SubflowReference } from '../base/addresses';
import type { Commands } from '../kernel/commands';
import { ENDPOINT_FLAGS, TCP_STATES } from '../kernel/constants';
import { subflowsByToken } from '../kernel/sock-diag';
import { INITIAL_ID } from './address-ids';

const { ESTABLISHED, SYN_SENT } = TCP_STATES;

/** An open subflow with the id of its local address, where that is known. */
interface OpenSubflow extends SubflowReference {
  readonly localId?: number | undefined;
}

/**
 * The id of the subflow's local address; undefined where the peer must not drop everything that has
 * it: another open subflow uses the address or its id, or `isReserved`, as the address is announced
 * or a subflow is being opened from it. The id 0 stays: its subflow is the first in the kernel's list,
 * over which Linux 6.18 would send the withdrawal itself, and after which the peer could open no
 * subflow to this address. A connection's last path closes by itself.
 */
export function idToWithdraw(
  subflow: SubflowReference,
  open: readonly OpenSubflow[],
  isReserved: (address: string) => boolean,
): number | undefined {
  const { address } = subflow.local;
  const isSame = (each: OpenSubflow): boolean => subflowKey(each) === subflowKey(subflow);
  const id = open.find(isSame)?.localId;
  const others = open.filter((each) => !isSame(each));
  if (id === undefined || id === INITIAL_ID || others.length === 0) return undefined;
  const isShared = others.some(
    (each) => each.localId === id || isAddress(each.local.address, address),
  );
  return isShared || isReserved(address) ? undefined : id;
}

/**
 * Reads from the kernel what idToWithdraw() depends on. `isLeaving` names the subflows that are being
 * destroyed already. Undefined also where the kernel refuses to answer: the command that destroys the
 * subflow gets the error.
 */
export async function readIdToWithdraw(
  commands: Commands,
  token: number,
  subflow: SubflowReference,
  isLeaving: (subflow: SubflowReference) => boolean,
  abort?: Abortable,
): Promise<number | undefined> {
  try {
    const subflows = (await subflowsByToken(commands.netns, false, abort)).get(token) ?? [];
    const isSame = (each: SubflowReference): boolean => subflowKey(each) === subflowKey(subflow);
    const open = subflows.filter(
      (each) => each.state === ESTABLISHED && (isSame(each) || !isLeaving(each)),
    );
    const opening = subflows.filter((each) => each.state === SYN_SENT && !isLeaving(each));
    const isOpening = (address: string): boolean =>
      opening.some(({ local }) => isAddress(local.address, address));
    const id = idToWithdraw(subflow, open, isOpening);
    if (id === undefined) return undefined;
    const listed = await commands.endpoints(token, abort);
    const isAnnounced = listed.some(
      (each) =>
        (each.flags & ENDPOINT_FLAGS.SIGNAL) !== 0 &&
        isAddress(each.address, subflow.local.address),
    );
    return isAnnounced ? undefined : id;
  } catch {
    return undefined;
  }
}
