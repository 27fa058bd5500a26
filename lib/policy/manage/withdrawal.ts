/**
 * Which address id is withdrawn (REMOVE_ADDR) with a subflow that is destroyed, so that the peer closes
 * its end too, as with the in-kernel path manager. Without it the peer keeps its end for good.
 */
import { isAddress, subflowKey } from '../../base/addresses';
import { INITIAL_ID } from '../../userspace/address-ids';
import type { ConnectionView, DestroySubflowAction } from '../policy';
import { isOpen } from '../view-queries';

/**
 * The id of the subflow's local address; undefined where the peer must not drop everything that has
 * it: another subflow uses the address, or it is announced. The id 0 stays: its subflow is the first
 * in the kernel's list, over which Linux 6.18 would send the withdrawal itself, and after which the
 * peer could open no subflow to this address. A connection's last path closes by itself.
 */
export function idToWithdraw(
  { paths, opening, announcing }: ConnectionView,
  action: DestroySubflowAction,
): number | undefined {
  const { address } = action.local;
  const path = paths.find((each) => subflowKey(each) === subflowKey(action));
  const others = paths.filter((each) => each !== path && isOpen(each));
  const isUsed =
    others.some(({ local }) => isAddress(local.address, address)) ||
    opening.some(({ local }) => isAddress(local, address)) ||
    announcing.some((each) => isAddress(each.address, address));
  const id = path?.localId;
  if (isUsed || others.length === 0 || id === INITIAL_ID) return undefined;
  return others.some((each) => each.localId === id) ? undefined : id;
}
