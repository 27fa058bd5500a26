/** How hints name paths: by interface or local address. */
import { withoutScope } from '../base/addresses';
import type { LocalAddress } from '../interfaces/local-addresses';

export type Places = readonly string[];

export const places = (given: string | Places = []): Places => [given].flat();

export const isAt = (all: Places, { address, interface: name }: LocalAddress): boolean =>
  all.some((each) => each === name || withoutScope(each) === withoutScope(address));
