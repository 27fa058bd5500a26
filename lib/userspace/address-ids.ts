import type { NativeEndpoint } from '../../types/native';
import { withoutScope } from '../base/addresses';

/** One that a connection which has `taken` others does not have yet. */
export function freeId(taken: readonly NativeEndpoint[]): number {
  let id = 255;
  while (taken.some((each) => each.id === id)) id--;
  return id;
}

/**
 * The id of a local address on a connection that has `taken` others: the kernel gives addresses of
 * incoming and unbound subflows ids of its own, and refuses any other for them.
 */
export function idFor(address: string, taken: readonly NativeEndpoint[]): number {
  const bare = withoutScope(address);
  const known = taken.find((each) => each.port === 0 && withoutScope(each.address) === bare);
  return known ? known.id : freeId(taken);
}
