/** How hints name paths: by interface or local address. */
import { type IpFamily, withoutScope } from '../base/addresses';
import { type LocalAddress, usableAddresses } from '../interfaces/local-addresses';
import type { PathHints } from './hints';
import type { OptionHint } from './socket-options';

export type PathSelector = readonly string[];

export const places = (given: string | PathSelector = []): PathSelector => [given].flat();

export const isAt = (all: PathSelector, { address, interface: name }: LocalAddress): boolean =>
  all.some((each) => each === name || withoutScope(each) === withoutScope(address));

/** What a client's first subflow is to be bound to: the first preferred interface that is up. */
export function earlyPathHints({ prefer }: PathHints, family: IpFamily): OptionHint[] {
  const usable = usableAddresses(family);
  const wanted = places(prefer).find((name) => usable.some((each) => each.interface === name));
  if (wanted === undefined) return [];
  return [{ hint: 'paths.prefer', by: 'SO_BINDTODEVICE', wanted }];
}
