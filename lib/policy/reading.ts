import { isAddress } from '../base/addresses';
import type { NetworkInterface } from '../interfaces/interface';
import type { PathView } from './policy';

export const isOpen = ({ closing }: PathView): boolean => closing === undefined;
export interface Ends {
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
}

/** Between a local address and a remote address and port. */
export interface Pair {
  readonly local: string;
  readonly remote: { readonly address: string; readonly port: number };
}

export const isPair = (one: Pair, other: Pair): boolean =>
  one.remote.port === other.remote.port &&
  isAddress(one.remote.address, other.remote.address) &&
  isAddress(one.local, other.local);

export const pairOf = ({ local, remote }: Ends): Pair => ({
  local: local.address,
  remote: { address: remote.address, port: remote.port },
});

/** Both are there, and one of them is to go. */
export const isInsteadOf = (one: PathView, other: PathView): boolean =>
  one.insteadOf === other.local.port && isPair(pairOf(one), pairOf(other));

/** The name of the interface that has an address. */
export const interfaceOf = (
  interfaces: readonly NetworkInterface[],
  address: string,
): string | undefined =>
  interfaces.find(({ addresses }) => addresses.some((each) => isAddress(each.address, address)))
    ?.name;
