import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/**
 * Returns the addresses of the running interfaces, by the interfaces' names, as Node.js reads them: by
 * netlink. Returns none where a sandbox forbids netlink, or no file can be opened.
 */
export function addressesByInterface(): [name: string, addresses: NetworkInterfaceInfo[]][] {
  try {
    return Object.entries(networkInterfaces()).map(([name, all = []]) => [name, all]);
  } catch {
    return [];
  }
}
