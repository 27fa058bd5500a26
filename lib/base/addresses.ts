import net from 'node:net';

export type IpFamily = 4 | 6;

const V4_MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

export function familyOf(address: string): IpFamily {
  return net.isIPv4(address.replace(V4_MAPPED, '')) ? 4 : 6;
}

/** The one way in which this library writes an address; a link-local one keeps its `%scope`. */
export function canonicalAddress(text: string): string {
  const [address = '', scope] = text.split('%');
  if (net.isIPv4(address)) return address;
  const canonical = new net.SocketAddress({ address, family: 'ipv6' }).address;
  const v4 = canonical.replace(V4_MAPPED, '');
  return scope === undefined ? v4 : `${v4}%${scope}`;
}

/** Without the scope, which some messages of the kernel lack: for comparing. */
export const withoutScope = (address: string): string => address.replace(/%.*/, '');

/** The interface in a link-local address, by its name or its index. */
export const scopeOf = (address: string): string | undefined => address.split('%')[1];

export const isAddress = (one: string, other: string): boolean =>
  withoutScope(one) === withoutScope(other);

export const socketKey = ({ address, port }: { address: string; port: number }): string =>
  `${withoutScope(address)} ${port}`;

/** Tells the subflows of a network namespace apart. */
export const subflowKey = (subflow: {
  local: { address: string; port: number };
  remote: { address: string; port: number };
}): string => `${socketKey(subflow.local)} ${socketKey(subflow.remote)}`;

/** Tells apart the subflows that one connection has in the course of time. */
export const subflowIdentity = (
  subflow: Parameters<typeof subflowKey>[0] & { id?: number },
): string => `${subflow.id ?? ''} ${subflowKey(subflow)}`;
export interface SocketAddress {
  address: string;
  port: number;
}

/** The addresses and ports of a subflow, as events and connections() give them. */
export interface SubflowReference {
  local: SocketAddress;
  remote: SocketAddress;
}
