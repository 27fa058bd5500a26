/** The middleboxes that tests put into a path, each written as nftables statements. */
import type { Namespace } from './namespace';

/**
 * A middlebox: the nftables statements that it applies to each packet that it forwards. A rule that
 * names no protocol matches every packet.
 */
export type Middlebox = readonly string[];

/** Removes the MPTCP options from every segment. */
export const stripOptions: Middlebox = ['reset tcp option mptcp'];

/** Removes the MPTCP options from the segments that carry data, and leaves those of the handshake. */
export const stripFromData: Middlebox = ['tcp flags & psh == psh reset tcp option mptcp'];

/** Drops SYNs that carry MPTCP options. */
export const dropSyn: Middlebox = ['tcp flags & (syn | ack) == syn tcp option mptcp exists drop'];

/** Overwrites the first bytes of each segment's payload; nftables corrects the TCP checksum. */
export const rewrite: Middlebox = ['meta l4proto tcp @ih,0,32 set 0x21424f58'];

/**
 * Lowers the MSS that hosts offer, as tunnels do. A fallback in mid-connection needs it: at that
 * time Linux still has segments with MPTCP options queued, and drops those that exceed the MSS.
 */
export const clampMss = (bytes: number): Middlebox => [
  `tcp flags syn tcp option maxseg size set ${bytes}`,
];

/** Drops every packet. */
export const blackhole: Middlebox = ['drop'];

/** Drops a random share of the packets, in percent. */
export const loss = (percent: number): Middlebox => [
  `numgen random mod 10000 < ${Math.round(percent * 100)} drop`,
];

/** Drops the next packets, and none after them. */
export const loseNext = (packets: number): Middlebox => [
  `numgen inc mod ${2 ** 31} < ${packets} drop`,
];

let count = 0;

/** Installs a middlebox at the ingress of a device; returns a function that removes it. */
export function install(middlebox: Middlebox, namespace: Namespace, device: string): () => void {
  const table = `middlebox${++count}`;
  // Neighbour discovery belongs to the link, not to the path; ARP does not pass this hook either.
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
