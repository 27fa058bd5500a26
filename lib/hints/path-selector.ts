/** How hints name paths: by interface or local address. */
import { type IpFamily, withoutScope } from '../base/addresses';
import { interfacesToBind, type LocalAddress } from '../interfaces/local-addresses';
import type { PathHints } from './hints';
import type { OptionHint } from './socket-options';

/** Names of interfaces, and local addresses. */
export type PathSelector = readonly string[];

/** The list that one name, or several, stand for. */
export const places = (given: string | PathSelector = []): PathSelector => [given].flat();

/** Whether a selector names the address or its interface. */
export const isAt = (all: PathSelector, { address, interface: name }: LocalAddress): boolean =>
  all.some((each) => each === name || withoutScope(each) === withoutScope(address));

/** Binds a client's first subflow to the first preferred interface that has a usable address. */
export function earlyPathHints({ prefer }: PathHints, family: IpFamily): OptionHint[] {
  const usable = interfacesToBind(family);
  const requested = places(prefer).find((name) => usable.includes(name));
  if (requested === undefined) return [];
  return [{ hint: 'paths.prefer', by: 'SO_BINDTODEVICE', requested }];
}
