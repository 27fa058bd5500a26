/** How hints name paths: by interface or local address. */
import { type IpFamily, withoutScope } from '../base/addresses';
import { interfacesToBind, type LocalAddress } from '../interfaces/local-addresses';
import type { PathHints } from './hints';
import type { OptionHint } from './socket-options';

export type PathSelector = readonly string[];

export const places = (given: string | PathSelector = []): PathSelector => [given].flat();

export const isAt = (all: PathSelector, { address, interface: name }: LocalAddress): boolean =>
  all.some((each) => each === name || withoutScope(each) === withoutScope(address));

/** What binds a client's first subflow: the first preferred interface with a usable address. */
export function earlyPathHints({ prefer }: PathHints, family: IpFamily): OptionHint[] {
  const usable = interfacesToBind(family);
  const wanted = places(prefer).find((name) => usable.includes(name));
  if (wanted === undefined) return [];
  return [{ hint: 'paths.prefer', by: 'SO_BINDTODEVICE', wanted }];
}
