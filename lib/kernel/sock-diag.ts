/** The MPTCP sockets of a network namespace and their subflows, dumped by sock_diag(7). */
import type {
  Address,
  DiagFilter,
  MptcpInfo,
  NativeConnection,
  NativeDiagSubflow,
  NativeDump,
  TcpInfo,
} from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import { canonicalAddress } from '../base/addresses';
import {
  checkAddress,
  checkBoolean,
  checkIfGiven,
  checkKeys,
  checkOneOf,
  checkPort,
  checkSignal,
  type Keys,
} from '../base/arguments';
import { requireNative } from './addon';
import { commandError, constructed } from './command-errors';
import { INFO_FLAGS, SUBFLOW_FLAGS, TCP_STATE_NAMES, TCP_STATES, type TcpState } from './constants';

/** Which connections `pm.connections()` yields: those that match everything that is given. */
export interface ConnectionFilter {
  /** A numeric address of this host. */
  localAddress?: string;
  /** A port of this host. */
  localPort?: number;
  /** A numeric address of the peer. */
  remoteAddress?: string;
  /** A port of the peer. */
  remotePort?: number;
  /** One or several states (default: every state but LISTEN). */
  state?: TcpState | readonly TcpState[];
}

/** What `pm.connections()` reports of each connection. */
export interface ConnectionsOptions extends Abortable {
  /** Whether connections have their `subflows` (default: true); without them it is faster. */
  subflows?: boolean;
}

/** A TCP socket that carries an MPTCP connection. */
export interface ConnectionSubflow {
  /** This host's address and port. */
  local: Address;
  /** The peer's address and port. */
  remote: Address;
  /** The state of the TCP socket. */
  state: TcpState;
  /** The id of the local address; 0: the first subflow's. */
  localId?: number;
  /** The id of the remote address; 0: the first subflow's. */
  remoteId?: number;
  /** Either side requested that it carry data only when no other subflow can. */
  backup?: boolean;
  /** This side opened it, be it the first subflow or an additional one. */
  initiator?: boolean;
  /** Both sides know that it speaks MPTCP (RFC 8684 sections 3.1 and 3.2). */
  fullyEstablished?: boolean;
  /** The kernel's `struct tcp_info`. */
  tcpInfo?: TcpInfo;
}

/** An MPTCP socket of the network namespace. What the kernel or a missing privilege hides is undefined. */
export interface NamespaceConnection {
  /** This host's address and port. */
  local: Address;
  /** The peer's address and port. */
  remote: Address;
  /** The state of the MPTCP socket. */
  state: TcpState;
  /** Identifies the connection in the namespace (RFC 8684 section 3.2). */
  token?: number;
  /** The connection has fallen back to TCP. */
  fallback?: boolean;
  /** The kernel's `struct mptcp_info`. */
  info?: MptcpInfo;
  /** The user id that owns the socket. */
  uid: number;
  /** The inode, as in /proc/<pid>/fd; undefined: no process holds the socket, not yet or no longer. */
  inode?: number;
  /** Bytes that wait to be read; of a listener, connections that wait to be accepted. */
  receiveQueue?: number;
  /** Bytes that wait to be acknowledged; of a listener, how many connections may wait. */
  sendQueue?: number;
  /** Its subflows; undefined: they were not requested, or the token is hidden. */
  subflows?: ConnectionSubflow[];
}

const { MCAP_LOC, JOIN_LOC, BKUP_REM, BKUP_LOC, FULLY_ESTABLISHED } = SUBFLOW_FLAGS;

const stateName = (state: number): TcpState =>
  TCP_STATE_NAMES.find((name) => TCP_STATES[name] === state) ?? 'CLOSE';

const stateBits = (states: readonly TcpState[]): number =>
  states.reduce((bits, state) => bits | (1 << TCP_STATES[state]), 0);

/** Every state but LISTEN, as the bits of a DiagFilter. */
export const OPEN_STATES = stateBits(TCP_STATE_NAMES.filter((state) => state !== 'LISTEN'));

const FILTER_KEYS: Keys<ConnectionFilter> = {
  localAddress: true,
  localPort: true,
  remoteAddress: true,
  remotePort: true,
  state: true,
};
const OPTION_KEYS: Keys<ConnectionsOptions> = { subflows: true, signal: true };
const BESIDE_FILTER = {
  ...{ signal: "did you mean 'options.signal'?", subflows: "did you mean 'options.subflows'?" },
};

/** Checks the arguments of `pm.connections()`. */
export function checkConnectionsArguments(filter: unknown, options: unknown): void {
  checkKeys<ConnectionFilter>('filter', filter, FILTER_KEYS, BESIDE_FILTER);
  const { localAddress, localPort, remoteAddress, remotePort, state } = filter as ConnectionFilter;
  checkIfGiven(checkAddress, 'filter.localAddress', localAddress);
  checkIfGiven(checkAddress, 'filter.remoteAddress', remoteAddress);
  checkIfGiven(checkPort, 'filter.localPort', localPort);
  checkIfGiven(checkPort, 'filter.remotePort', remotePort);
  for (const each of [state ?? []].flat()) checkOneOf('filter.state', each, TCP_STATE_NAMES);
  checkKeys<ConnectionsOptions>('options', options, OPTION_KEYS);
  const { subflows, signal } = options as ConnectionsOptions;
  checkIfGiven(checkBoolean, 'options.subflows', subflows);
  checkSignal('options.signal', signal);
}

function diagFilter(filter: ConnectionFilter): DiagFilter {
  const { localAddress, localPort, remoteAddress, remotePort, state } = filter;
  return {
    ...(localAddress !== undefined && { localAddress: canonicalAddress(localAddress) }),
    ...(localPort !== undefined && { localPort }),
    ...(remoteAddress !== undefined && { remoteAddress: canonicalAddress(remoteAddress) }),
    ...(remotePort !== undefined && { remotePort }),
    states: state === undefined ? OPEN_STATES : stateBits([state].flat()),
  };
}

// A dump has thousands of sockets, so that the conversions do not copy objects by `...`.

/** The public form of a subflow. */
export function publicSubflow(subflow: NativeDiagSubflow): ConnectionSubflow {
  const { flags, localId, remoteId, tcpInfo } = subflow;
  const result: ConnectionSubflow = {
    local: subflow.local,
    remote: subflow.remote,
    state: stateName(subflow.state),
  };
  if (localId !== undefined) result.localId = localId;
  if (remoteId !== undefined) result.remoteId = remoteId;
  if (flags !== undefined) {
    result.backup = (flags & (BKUP_REM | BKUP_LOC)) !== 0;
    result.initiator = (flags & (MCAP_LOC | JOIN_LOC)) !== 0;
    result.fullyEstablished = (flags & FULLY_ESTABLISHED) !== 0;
  }
  if (tcpInfo) result.tcpInfo = tcpInfo;
  return result;
}

function publicConnection(
  connection: NativeConnection,
  subflows: Map<number, NativeDiagSubflow[]> | undefined,
): NamespaceConnection {
  const { token, info, uid, inode, receiveQueue, sendQueue } = connection;
  const result: NamespaceConnection = {
    local: connection.local,
    remote: connection.remote,
    state: stateName(connection.state),
    uid,
    receiveQueue,
    sendQueue,
  };
  if (token !== undefined) result.token = token;
  if (info) {
    result.info = info;
    result.fallback = (info.flags & INFO_FLAGS.FALLBACK) !== 0;
  }
  if (inode !== 0) result.inode = inode;
  if (subflows && token !== undefined) {
    result.subflows = (subflows.get(token) ?? []).map(publicSubflow);
  }
  return result;
}

/** The subflows of the namespace by the token of their connection. */
export async function subflowsByToken(
  netns: string | undefined,
  tcpInfo: boolean,
  options?: Abortable,
): Promise<Map<number, NativeDiagSubflow[]>> {
  const subflows = new Map<number, NativeDiagSubflow[]>();
  const dump = constructed(() => new (requireNative().SubflowDump)(netns, { tcpInfo }));
  for await (const batch of readDump(dump, () => subflows.clear(), options)) {
    for (const subflow of batch) {
      const others = subflows.get(subflow.token);
      if (others) others.push(subflow);
      else subflows.set(subflow.token, [subflow]);
    }
  }
  return subflows;
}

/** The connections of the namespace, each once, in batches as the kernel dumps them. */
async function* connectionBatches(
  netns: string | undefined,
  filter: DiagFilter,
  options?: Abortable,
): AsyncGenerator<NativeConnection[], void, undefined> {
  const dump = constructed(() => new (requireNative().ConnectionDump)(netns, filter));
  // A dump that starts again repeats connections; their tokens say which were yielded before.
  const yielded: number[] = [];
  let before: Set<number> | undefined;
  const restart = (): void => {
    before = new Set(yielded);
  };
  for await (const batch of readDump(dump, restart, options)) {
    const known = before;
    const fresh = known ? batch.filter(({ token = -1 }) => !known.has(token)) : batch;
    for (const { token } of fresh) if (token !== undefined) yielded.push(token);
    yield fresh;
  }
}

/** The connections of the namespace, one by one. */
export async function* dumpConnections(
  ...args: Parameters<typeof connectionBatches>
): AsyncGenerator<NativeConnection, void, undefined> {
  for await (const batch of connectionBatches(...args)) {
    for (const connection of batch) yield connection;
  }
}

/**
 * The public form of the connections that match the filter. Memory holds only a few batches of them,
 * and the subflows by token.
 */
export async function* connections(
  netns: string | undefined,
  filter: ConnectionFilter,
  { subflows = true, signal }: ConnectionsOptions,
): AsyncGenerator<NamespaceConnection, void, undefined> {
  const abort = { ...(signal && { signal }) };
  const byToken = subflows ? await subflowsByToken(netns, true, abort) : undefined;
  for await (const batch of connectionBatches(netns, diagFilter(filter), abort)) {
    for (const connection of batch) yield publicConnection(connection, byToken);
  }
}

/** The batches of a dump; `restart` is called where those before are void. */
export async function* readDump<T>(
  dump: NativeDump<T>,
  restart: () => void,
  { signal }: Abortable = {},
): AsyncGenerator<T[], void, undefined> {
  throwIfAborted(signal, false);
  const close = (): void => dump.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    for (;;) {
      const next = await new Promise<{ batch: T[]; restarted: boolean } | undefined>(
        (resolve, reject) =>
          dump.next((error, result) => {
            if (error) reject(error);
            else resolve(result);
          }),
      );
      throwIfAborted(signal, false);
      if (!next) return;
      if (next.restarted) restart();
      yield next.batch;
    }
  } catch (error) {
    throwIfAborted(signal, false);
    throw commandError(error);
  } finally {
    signal?.removeEventListener('abort', close);
    dump.close();
  }
}
