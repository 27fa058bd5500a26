import net from 'node:net';
import type { SubflowReference } from '../base/addresses';
import {
  checkBoolean,
  checkIfGiven,
  checkInteger,
  checkObject,
  checkOneOf,
  checkText,
} from '../base/arguments';
import type { MptcpError } from '../base/errors';

const MOST = 0x7fff_ffff; // INT_MAX: what setsockopt() takes

/** What a connection is to be like. Only what is given is touched; see docs/hints.md. */
export interface SchedulingHints {
  /** Stands for socket options, where they are not given, and for a policy of paths. */
  intent?: Intent;
  /**
   * The congestion control of every subflow (tcp(7), TCP_CONGESTION): a name of
   * net.ipv4.tcp_available_congestion_control; `'system'`: the system's, always; `'auto'` (default):
   * the system's, except bbr towards a peer on the same host or link, where MPTCP over bbr
   * collapses: there it is reno. See docs/congestion-control.md for the rule and its figures.
   */
  congestionControl?: string;
  /**
   * Stands for `noDelay` and `notsentLowat`, where they are not given: `latency`: true and 16 KiB;
   * `throughput`: false and 0.
   */
  optimize?: 'latency' | 'throughput';
  /** Small writes are sent at once (TCP_NODELAY). */
  noDelay?: boolean;
  /**
   * Bytes that may wait in the kernel unsent (TCP_NOTSENT_LOWAT), so that what is written next is
   * not queued behind them; 0: the system's (net.ipv4.tcp_notsent_lowat).
   */
  notsentLowat?: number;
  /** Bytes (SO_SNDBUF). Ends the kernel's own tuning; at most net.core.wmem_max. */
  sendBuffer?: number;
  /** Bytes (SO_RCVBUF). Ends the kernel's own tuning; at most net.core.rmem_max. */
  receiveBuffer?: number;
  /** The differentiated services code point of what is sent (RFC 2474): 0 to 63. IPv4 alone. */
  dscp?: number;
  /** Of packets in this host's queues (SO_PRIORITY). Above 6 it needs CAP_NET_ADMIN. */
  priority?: number;
  /** Of packets, for policy routing and nftables (SO_MARK). Needs CAP_NET_ADMIN. */
  mark?: number;
  /** Asks a silent peer whether it is there (SO_KEEPALIVE …); false: does not ask. */
  keepAlive?: KeepAlive | false;
  /**
   * The interface of a client's first subflow (SO_BINDTODEVICE): at creation alone. Endpoints say
   * which interfaces further subflows use.
   */
  interface?: string;
  paths?: PathHints;
}

/**
 * `aggregate`: all paths at once. `interactive`: the path of the lowest latency, and the others where
 * it suffers. `handover`: one path, the next one made before it breaks. `backup`: a standby that
 * carries nothing until it is needed. See docs/hints.md for what each takes.
 */
export type Intent = 'aggregate' | 'interactive' | 'handover' | 'backup';

/** Which paths the connection is to use, and how; see docs/hints.md for what that takes. */
export interface PathHints {
  /**
   * Interfaces by name, or local addresses: subflows there carry the data, all others become backup.
   * Where there is none yet one is made; a client's first one begins on the first such interface.
   */
  prefer?: string | readonly string[];
  /** Subflows there become backup. */
  backup?: string | readonly string[];
  /** Subflows there are removed, if there are others. */
  avoid?: string | readonly string[];
  /** How many subflows there are to be, the first included: more are made, or some removed. */
  subflows?: number;
  /**
   * Where the in-kernel path manager has the connection: `prefer` and `backup` by the flags of
   * endpoints, which changes **every** connection of the network namespace (false).
   */
  endpoints?: boolean;
}

export interface KeepAlive {
  /** Seconds of silence before the first probe (TCP_KEEPIDLE). */
  idle?: number;
  /** Seconds between probes (TCP_KEEPINTVL). */
  interval?: number;
  /** Probes without an answer that end a subflow (TCP_KEEPCNT). */
  count?: number;
}

export type HintValue = string | number | boolean;

export type HintName = keyof SchedulingHints | `paths.${Exclude<keyof PathHints, 'endpoints'>}`;

/**
 * What became of one hint on one connection; of a hint of several socket options, or about several
 * subflows, one for each.
 */
export interface HintResult {
  readonly hint: HintName;
  /** Of a priority: whether the subflow is to be backup. */
  readonly wanted: HintValue;
  /**
   * The means: the name of a socket option; `MP_PRIO`, `SUBFLOW_CREATE`, `SUBFLOW_DESTROY` for this
   * connection alone; `policy` of an intent; `endpoint` for all of the network namespace.
   */
  readonly by: string;
  /** Of a priority: whose. */
  readonly subflow?: SubflowReference;
  readonly applied: boolean;
  /** As read back from the kernel. Of a buffer the kernel says twice what was asked for. */
  readonly value?: HintValue;
  /** Why it was not applied. */
  readonly reason?: MptcpError;
}

const LONGEST_NAME = 15; // TCP_CA_NAME_MAX and IFNAMSIZ less the terminating zero

/** Includes what the kernel would refuse for every connection alike (tcp(7): MAX_TCP_KEEP*). */
const CHECKS: { [Name in keyof SchedulingHints]-?: (name: string, value: unknown) => void } = {
  congestionControl: (name, value) => checkText(name, value, LONGEST_NAME),
  intent: (name, value) =>
    checkOneOf(name, value, ['aggregate', 'interactive', 'handover', 'backup']),
  optimize: (name, value) => checkOneOf(name, value, ['latency', 'throughput']),
  noDelay: checkBoolean,
  notsentLowat: (name, value) => checkInteger(name, value, 0, MOST),
  sendBuffer: (name, value) => checkInteger(name, value, 1, MOST),
  receiveBuffer: (name, value) => checkInteger(name, value, 1, MOST),
  dscp: (name, value) => checkInteger(name, value, 0, 63),
  priority: (name, value) => checkInteger(name, value, 0, MOST),
  mark: (name, value) => checkInteger(name, value, 0, 0xffff_ffff),
  keepAlive: checkKeepAlive,
  interface: (name, value) => checkText(name, value, LONGEST_NAME),
  paths: checkPaths,
};

const MOST_SUBFLOWS = 255;

function checkPaths(name: string, value: unknown): void {
  checkObject(name, value);
  const { subflows, endpoints } = value as PathHints;
  for (const list of ['prefer', 'backup', 'avoid'] as const) {
    const given = (value as PathHints)[list];
    for (const each of [given ?? []].flat()) checkPlace(`${name}.${list}`, each);
  }
  checkIfGiven(checkInteger, `${name}.subflows`, subflows, 1, MOST_SUBFLOWS);
  checkIfGiven(checkBoolean, `${name}.endpoints`, endpoints);
}

/** The name of an interface, or an address. */
function checkPlace(name: string, value: unknown): void {
  if (typeof value !== 'string' || net.isIP(value) === 0) checkText(name, value, LONGEST_NAME);
}

function checkKeepAlive(name: string, value: unknown): void {
  if (value === false) return;
  checkObject(name, value, 'of type object or false');
  const { idle, interval, count } = value as KeepAlive;
  checkIfGiven(checkInteger, `${name}.idle`, idle, 1, 32_767);
  checkIfGiven(checkInteger, `${name}.interval`, interval, 1, 32_767);
  checkIfGiven(checkInteger, `${name}.count`, count, 1, 127);
}

export function checkHints(name: string, hints: unknown): SchedulingHints {
  checkObject(name, hints);
  for (const [hint, check] of Object.entries(CHECKS)) {
    checkIfGiven(check, `${name}.${hint}`, (hints as Record<string, unknown>)[hint]);
  }
  return hints;
}
