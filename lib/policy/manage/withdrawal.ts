/** Which address id is withdrawn with a subflow that a policy destroys. */
import { isAddress, subflowKey } from '../../base/addresses';
import { idToWithdraw as idOf } from '../../userspace/withdrawal';
import type { ConnectionView, DestroySubflowAction } from '../policy';
import { isOpen } from '../view-queries';

/** The id of the subflow's local address; undefined where the peer must keep what has that id. */
export function idToWithdraw(
  { paths, opening, announcing }: ConnectionView,
  action: DestroySubflowAction,
): number | undefined {
  const key = subflowKey(action);
  return idOf(
    action,
    paths.filter((each) => isOpen(each) || subflowKey(each) === key),
    (address) =>
      opening.some(({ local }) => isAddress(local, address)) ||
      announcing.some((each) => isAddress(each.address, address)),
  );
}
