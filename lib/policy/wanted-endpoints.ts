import type { WantedEndpoint } from '../endpoints/keeper';
import { isAddress } from '../base/addresses';
import type { Interface, InterfaceAddress } from '../interfaces/interfaces';
import type { PathPolicy } from './policy';

type Seen = Parameters<NonNullable<PathPolicy['endpoints']>>[0];

function addressOf(
  interfaces: readonly Interface[],
  address: string,
  device: string | undefined,
): InterfaceAddress | undefined {
  return interfaces
    .filter(({ name }) => device === undefined || name === device)
    .flatMap(({ addresses }) => addresses)
    .find((each) => isAddress(each.address, address));
}

/** The endpoints that a policy wants, of addresses that there are. */
export function wantedEndpoints(policy: PathPolicy, view: Seen): WantedEndpoint[] {
  const wanted = policy.endpoints?.(view) ?? [];
  return wanted.flatMap((options) => {
    const address = addressOf(view.interfaces, options.address, options.interface);
    return address ? [{ options, address }] : [];
  });
}
