import type { Namespace } from './namespace';

/**
 * A middlebox: what it does to each packet that it forwards, in statements of nftables.
 * A rule that names no protocol meets every packet.
 */
export type Middlebox = readonly string[];

/** Takes the MPTCP options out of every segment. */
export const stripOptions: Middlebox = ['reset tcp option mptcp'];

/** Drops SYNs that carry MPTCP options. */
export const dropSyn: Middlebox = ['tcp flags & (syn | ack) == syn tcp option mptcp exists drop'];

/** Overwrites the first bytes of each segment's payload; the TCP checksum stays right. */
export const rewrite: Middlebox = ['meta l4proto tcp @ih,0,32 set 0x21424f58'];

/**
 * Lowers the MSS that hosts offer, as tunnels do. A fallback in mid-connection needs it: Linux then
 * still has segments with MPTCP options queued, and drops those for which the MSS left no room.
 */
export const clampMss = (bytes: number): Middlebox => [
  `tcp flags syn tcp option maxseg size set ${bytes}`,
];

/** Carries nothing. */
export const blackhole: Middlebox = ['drop'];

/** Loses a share of the packets, in percent. */
export const loss = (percent: number): Middlebox => [
  `numgen random mod 10000 < ${Math.round(percent * 100)} drop`,
];

/** Loses the next packets, and none after them. */
export const loseNext = (packets: number): Middlebox => [
  `numgen inc mod ${2 ** 31} < ${packets} drop`,
];

let count = 0;

/** Puts a middlebox where packets come in by a device; gives the way to take it out again. */
export function install(middlebox: Middlebox, namespace: Namespace, device: string): () => void {
  const table = `middlebox${++count}`;
  // Neighbour discovery belongs to the link, not to the path: IPv4's ARP does not come here either.
  const rules = ['icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept', ...middlebox];
  namespace.nft(`
    table inet ${table} {
      chain packets {
        type filter hook prerouting priority raw
        ${rules.map((rule) => `iifname "${device}" ${rule}`).join('\n        ')}
      }
    }`);
  return () => void namespace.nft(`delete table inet ${table}`);
}
