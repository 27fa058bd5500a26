/**
 * Says whether this process is still in the same network: by a text of its addresses and of the main
 * table's first routes, among which the default routes are.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { addressesByInterface } from './node-interfaces';

/** Milliseconds for which a text is used again. */
const FRESH = 1000;
/** The most bytes that are read of a table of routes. */
const MOST = 16_384;

/** The tables, and the columns that do not change by use: Linux counts packets and references. */
const TABLES = [
  ['/proc/net/route', /^(\S+\s+\S+\s+\S+\s+\S+)\s+\d+\s+\d+/gm],
  ['/proc/net/ipv6_route', /^((?:\S+\s+){6})\S+\s+\S+/gm],
] as const;

let text = '';
let readAt = -Infinity;

function beginning(path: string): string {
  const buffer = Buffer.alloc(MOST);
  const fd = openSync(path, 'r');
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, MOST, 0));
  } finally {
    closeSync(fd);
  }
}

function routes(): string[] {
  return TABLES.map(([path, counted]) => {
    try {
      return beginning(path).replace(counted, '$1');
    } catch {
      return ''; // IPv6 is off, or the permission model keeps files out
    }
  });
}

/** Returns a text that differs where the network has changed; it is read once a second at most. */
export function networkState(): string {
  const now = performance.now();
  if (now - readAt < FRESH) return text;
  readAt = now;
  const addresses = addressesByInterface().map(
    ([name, all]) => `${name} ${all.map(({ cidr, mac }) => `${cidr ?? ''} ${mac}`).join()}`,
  );
  text = [...addresses, ...routes()].join('\n');
  return text;
}
