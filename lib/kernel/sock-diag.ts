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
  checkObject,
  checkOneOf,
  checkPort,
  checkSignal,
} from '../base/arguments';
import { requireNative } from './addon';
import { commandError } from './command-errors';
import { INFO_FLAGS, SUBFLOW_FLAGS, TCP_STATE_NAMES, TCP_STATES, type TcpState } from './constants';

export interface ConnectionFilter {
  localAddress?: string;
  localPort?: number;
  remoteAddress?: string;
  remotePort?: number;
  /** Every one but LISTEN unless given. */
  state?: TcpState | readonly TcpState[];
}

export interface ConnectionsOptions extends Abortable {
  /** false: without their subflows, which is faster (true). */
  subflows?: boolean;
}

/** A TCP socket that carries an MPTCP connection. */
export interface ConnectionSubflow {
  local: Address;
  remote: Address;
  state: TcpState;
  /** Address ids; 0: the first subflow's. */
  localId?: number;
  remoteId?: number;
  /** Either side asked that it be used only when no other one can be. */
  backup?: boolean;
  /** This side opened it, the first one or an additional one. */
  initiator?: boolean;
  fullyEstablished?: boolean;
  tcpInfo?: TcpInfo;
}

/** An MPTCP socket of the network namespace. What the kernel or a missing privilege hides is undefined. */
export interface NamespaceConnection {
  local: Address;
  remote: Address;
  state: TcpState;
  token?: number;
  /** It carries on over TCP. */
  fallback?: boolean;
  info?: MptcpInfo;
  /** The user who owns the socket. */
  uid: number;
  /** As in /proc/<pid>/fd; undefined: no process holds it, not yet or no longer. */
  inode?: number;
  /** Bytes that wait to be read, and to be acknowledged. */
  receiveQueue?: number;
  sendQueue?: number;
  /** undefined where they were not asked for, or the token is hidden. */
  subflows?: ConnectionSubflow[];
}

const { MCAP_LOC, JOIN_LOC, BKUP_REM, BKUP_LOC, FULLY_ESTABLISHED } = SUBFLOW_FLAGS;

const stateName = (state: number): TcpState =>
  TCP_STATE_NAMES.find((name) => TCP_STATES[name] === state) ?? 'CLOSE';

const stateBits = (states: readonly TcpState[]): number =>
  states.reduce((bits, state) => bits | (1 << TCP_STATES[state]), 0);

export const OPEN_STATES = stateBits(TCP_STATE_NAMES.filter((state) => state !== 'LISTEN'));

/** Checks what is given. */
export function checkConnectionsArguments(filter: unknown, options: unknown): void {
  checkObject('filter', filter);
  const { localAddress, localPort, remoteAddress, remotePort, state } = filter as ConnectionFilter;
  checkIfGiven(checkAddress, 'filter.localAddress', localAddress);
  checkIfGiven(checkAddress, 'filter.remoteAddress', remoteAddress);
  checkIfGiven(checkPort, 'filter.localPort', localPort);
  checkIfGiven(checkPort, 'filter.remotePort', remotePort);
  for (const each of [state ?? []].flat()) checkOneOf('filter.state', each, TCP_STATE_NAMES);
  checkObject('options', options);
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

// Without copies by `...`: a dump has thousands of them.

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
  const dump = new (requireNative().SubflowDump)(netns, { tcpInfo });
  for await (const batch of readDump(dump, () => subflows.clear(), options)) {
    for (const subflow of batch) {
      const others = subflows.get(subflow.token);
      if (others) others.push(subflow);
      else subflows.set(subflow.token, [subflow]);
    }
  }
  return subflows;
}

/** The connections of the namespace, each once, in batches as the kernel's dump goes on. */
async function* connectionBatches(
  netns: string | undefined,
  filter: DiagFilter,
  options?: Abortable,
): AsyncGenerator<NativeConnection[], void, undefined> {
  const dump = new (requireNative().ConnectionDump)(netns, filter);
  // A dump that begins anew gives again what was given; a connection is told by its token.
  const given: number[] = [];
  let before: Set<number> | undefined;
  const restart = (): void => {
    before = new Set(given);
  };
  for await (const batch of readDump(dump, restart, options)) {
    const known = before;
    const news = known ? batch.filter(({ token = -1 }) => !known.has(token)) : batch;
    for (const { token } of news) if (token !== undefined) given.push(token);
    yield news;
  }
}

export async function* dumpConnections(
  ...args: Parameters<typeof connectionBatches>
): AsyncGenerator<NativeConnection, void, undefined> {
  for await (const batch of connectionBatches(...args)) {
    for (const connection of batch) yield connection;
  }
}

/** Streams: no more than some batches, and the subflows by token, are held at a time. */
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

/** The batches of a dump as they come; `restart` says that those before are void. */
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
