import type { PathHints } from '../hints/hints';
import type { IpFamily } from '../base/addresses';
import { usableAddresses } from '../interfaces/local-addresses';
import type { OptionHint } from '../hints/socket-options';
import { places } from '../hints/path-selector';

/** What a client's first subflow is to be bound to: the first preferred interface that is up. */
export function earlyPathHints({ prefer }: PathHints, family: IpFamily): OptionHint[] {
  const usable = usableAddresses(family);
  const wanted = places(prefer).find((name) => usable.some((each) => each.interface === name));
  if (wanted === undefined) return [];
  return [{ hint: 'paths.prefer', by: 'SO_BINDTODEVICE', wanted }];
}
