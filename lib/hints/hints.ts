/** Which hints there are, their results, and the checks of their values. */
import net from 'node:net';
import type { SubflowReference } from '../base/addresses';
import {
  checkBoolean,
  checkIfGiven,
  checkInteger,
  checkKeys,
  checkObject,
  checkOneOf,
  checkText,
  type Keys,
} from '../base/arguments';
import type { MptcpError } from '../base/errors';

const MOST = 0x7fff_ffff; // INT_MAX, the most that setsockopt() accepts

/** What a connection shall be like. Only what is given is changed; see docs/hints.md. */
export interface SchedulingHints {
  /** A preset of socket options, each used unless it is given itself, and a policy of paths. */
  intent?: Intent;
  /**
   * The congestion control of every subflow (tcp(7), TCP_CONGESTION): a name of
   * net.ipv4.tcp_available_congestion_control; `'system'`: always the system's; `'auto'` (default):
   * the system's, but reno in place of bbr towards a peer on the same host or link, where MPTCP over
   * bbr collapses. See docs/congestion-control.md for the rule and its figures.
   */
  congestionControl?: string;
  /**
   * A preset of `noDelay` and `notsentLowat`, each used unless it is given itself. `latency`: true and
   * 16 KiB; `throughput`: false and 0.
   */
  optimize?: 'latency' | 'throughput';
  /** Small writes are sent at once (TCP_NODELAY). */
  noDelay?: boolean;
  /**
   * How many bytes may wait in the kernel unsent (TCP_NOTSENT_LOWAT), so that later writes are not
   * queued behind them; 0: the system's value (net.ipv4.tcp_notsent_lowat).
   */
  notsentLowat?: number;
  /** Bytes of the send buffer (SO_SNDBUF), at most net.core.wmem_max. It disables auto-tuning. */
  sendBuffer?: number;
  /** Bytes of the receive buffer (SO_RCVBUF), at most net.core.rmem_max. It disables auto-tuning. */
  receiveBuffer?: number;
  /** The differentiated services code point of sent packets (RFC 2474): 0 to 63. IPv4 only. */
  dscp?: number;
  /** The priority of packets in this host's queues (SO_PRIORITY). Above 6 it needs CAP_NET_ADMIN. */
  priority?: number;
  /** The mark of packets, for policy routing and nftables (SO_MARK). It needs CAP_NET_ADMIN. */
  mark?: number;
  /** Probes of a silent peer (SO_KEEPALIVE …); false: none. */
  keepAlive?: KeepAlive | false;
  /**
   * The interface of a client's first subflow (SO_BINDTODEVICE), only at creation. Endpoints decide
   * which interfaces further subflows use.
   */
  interface?: string;
  /** Which paths the connection uses. */
  paths?: PathHints;
}

/**
 * `aggregate`: all paths at once. `interactive`: the path of the lowest latency, and the others when
 * it gets slow. `handover`: one path, and the next one before it breaks. `backup`: a standby path that
 * carries nothing until it is needed. See docs/hints.md for what each requires.
 */
export type Intent = 'aggregate' | 'interactive' | 'handover' | 'backup';

/** Which paths the connection uses, and how; see docs/hints.md for what that requires. */
export interface PathHints {
  /**
   * Interfaces by name, or local addresses. Subflows there carry the data, and all others become
   * backup. Where there is no subflow yet, one is created; a client's first one begins on the first
   * such interface.
   */
  prefer?: string | readonly string[];
  /** Interfaces by name, or local addresses: subflows there become backup. */
  backup?: string | readonly string[];
  /** Interfaces by name, or local addresses: subflows there are removed, if there are others. */
  avoid?: string | readonly string[];
  /** How many subflows there shall be, the first included (1 to 255): some are created or removed. */
  subflows?: number;
  /**
   * Where the in-kernel path manager has the connection, `prefer` and `backup` set the flags of
   * endpoints, which changes **every** connection of the network namespace (default: false).
   */
  endpoints?: boolean;
}

/** The probes of a connection on which nothing arrives (tcp(7)); the system's values by default. */
export interface KeepAlive {
  /** Seconds of silence before the first probe (TCP_KEEPIDLE), 1 to 32767. */
  idle?: number;
  /** Seconds between probes (TCP_KEEPINTVL), 1 to 32767. */
  interval?: number;
  /** How many probes without an answer end a subflow (TCP_KEEPCNT), 1 to 127. */
  count?: number;
}

/** The value of a hint, in the form of the hint itself. */
export type HintValue = string | number | boolean;

/** The name of a hint, such as 'noDelay' or 'paths.prefer'. */
export type HintName = keyof SchedulingHints | `paths.${Exclude<keyof PathHints, 'endpoints'>}`;

/**
 * What became of one hint on one connection. A hint that sets several socket options, or is about
 * several subflows, has a result for each.
 */
export interface HintResult {
  /** The hint. */
  readonly hint: HintName;
  /** The requested value; of a subflow's priority: whether it shall be backup. */
  readonly requested: HintValue;
  /**
   * The means: the name of a socket option; `MP_PRIO`, `SUBFLOW_CREATE`, `SUBFLOW_DESTROY` for this
   * connection alone; `policy` of an intent; `endpoint` for all of the network namespace.
   */
  readonly by: string;
  /** The subflow whose priority the result is about. */
  readonly subflow?: SubflowReference;
  /** It was done, as far as the kernel can be read back. */
  readonly applied: boolean;
  /** The value as read back from the kernel, which reports twice the requested size of a buffer. */
  readonly value?: HintValue;
  /** Why it was not applied. */
  readonly reason?: MptcpError;
}

const LONGEST_NAME = 15; // TCP_CA_NAME_MAX and IFNAMSIZ less the terminating zero

/** Refuse also what the kernel refuses for every connection (include/net/tcp.h: MAX_TCP_KEEP*). */
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

const PATH_KEYS: Keys<PathHints> = {
  prefer: true,
  backup: true,
  avoid: true,
  subflows: true,
  endpoints: true,
};
const KEEP_ALIVE_KEYS: Keys<KeepAlive> = { idle: true, interval: true, count: true };

/** The keys of hints, with those that a hint holds. */
export const HINT_KEYS: Keys<SchedulingHints> = {
  intent: true,
  congestionControl: true,
  optimize: true,
  noDelay: true,
  notsentLowat: true,
  sendBuffer: true,
  receiveBuffer: true,
  dscp: true,
  priority: true,
  mark: true,
  keepAlive: KEEP_ALIVE_KEYS,
  interface: true,
  paths: PATH_KEYS,
};

function checkPaths(name: string, value: unknown): void {
  checkKeys<PathHints>(name, value, PATH_KEYS);
  const { subflows, endpoints } = value as PathHints;
  for (const list of ['prefer', 'backup', 'avoid'] as const) {
    const given = (value as PathHints)[list];
    for (const each of [given ?? []].flat()) checkPlace(`${name}.${list}`, each);
  }
  checkIfGiven(checkInteger, `${name}.subflows`, subflows, 1, MOST_SUBFLOWS);
  checkIfGiven(checkBoolean, `${name}.endpoints`, endpoints);
}

/** Checks the name of an interface, or an address. */
function checkPlace(name: string, value: unknown): void {
  if (typeof value !== 'string' || net.isIP(value) === 0) checkText(name, value, LONGEST_NAME);
}

function checkKeepAlive(name: string, value: unknown): void {
  if (value === false) return;
  checkObject(name, value, 'of type object or false');
  checkKeys<KeepAlive>(name, value, KEEP_ALIVE_KEYS);
  const { idle, interval, count } = value as KeepAlive;
  checkIfGiven(checkInteger, `${name}.idle`, idle, 1, 32_767);
  checkIfGiven(checkInteger, `${name}.interval`, interval, 1, 32_767);
  checkIfGiven(checkInteger, `${name}.count`, count, 1, 127);
}

/**
 * Checks all hints, with Node's errors; `name` is that of the option that holds them. `elsewhere` says
 * of keys that belong in another argument where that is.
 */
export function checkHints(
  name: string,
  hints: unknown,
  elsewhere?: Readonly<Record<string, string>>,
): SchedulingHints {
  checkKeys<SchedulingHints>(name, hints, HINT_KEYS, elsewhere);
  for (const [hint, check] of Object.entries(CHECKS)) {
    checkIfGiven(check, `${name}.${hint}`, (hints as Record<string, unknown>)[hint]);
  }
  return hints as SchedulingHints;
}
