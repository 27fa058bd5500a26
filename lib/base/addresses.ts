/** IP addresses as strings: their canonical form, how they compare, and keys made of them. */
import net from 'node:net';

/** One end of a subflow, or where a listener listens. */
export interface SocketAddress {
  /** IPv4 or IPv6; a link-local address keeps its `%scope`. */
  address: string;
  /** The TCP port. */
  port: number;
}

/** Identifies a subflow by its ends, as events and connections() report them. */
export interface SubflowReference {
  /** The end on this host. */
  local: SocketAddress;
  /** The end on the peer. */
  remote: SocketAddress;
}

/** The version of IP. */
export type IpFamily = 4 | 6;

const V4_MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/** The family of an address; a v4-mapped one is IPv4. */
export function familyOf(address: string): IpFamily {
  return net.isIPv4(address.replace(V4_MAPPED, '')) ? 4 : 6;
}

/** The one form in which this library writes an address: v4-mapped as IPv4, `%scope` kept. */
export function canonicalAddress(text: string): string {
  const [address = '', scope] = text.split('%');
  if (net.isIPv4(address)) return address;
  const canonical = new net.SocketAddress({ address, family: 'ipv6' }).address;
  const v4 = canonical.replace(V4_MAPPED, '');
  return scope === undefined ? v4 : `${v4}%${scope}`;
}

/** The address without its scope, for comparisons: some messages of the kernel lack the scope. */
export function withoutScope(address: string): string {
  const end = address.indexOf('%'); // a regular expression takes ten times as long
  return end < 0 ? address : address.slice(0, end);
}

/** The interface in a link-local address, by its name or its index; undefined: it has none. */
export const scopeOf = (address: string): string | undefined => address.split('%')[1];

/** Whether two canonical addresses are the same, whatever their scopes. */
export const isAddress = (one: string, other: string): boolean =>
  withoutScope(one) === withoutScope(other);

/** Whether an address is of the loopback (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export const isLoopback = (address: string): boolean =>
  address === '::1' || (net.isIPv4(address) && address.startsWith('127.'));

/** A key for an address with its port. */
export const socketKey = ({ address, port }: { address: string; port: number }): string =>
  `${withoutScope(address)} ${port}`;

/** A key that is unique among the subflows that a network namespace has at one time. */
export const subflowKey = (subflow: {
  local: { address: string; port: number };
  remote: { address: string; port: number };
}): string => `${socketKey(subflow.local)} ${socketKey(subflow.remote)}`;

/** A key that is unique among the subflows that one connection has in the course of its life. */
export const subflowIdentity = (
  subflow: Parameters<typeof subflowKey>[0] & { id?: number },
): string => `${subflow.id ?? ''} ${subflowKey(subflow)}`;
