/**
 * The connections of a network namespace as a dump shows them, as a state that events can change.
 */
import type { NativeConnection, NativeDiagSubflow } from '../../types/native';
import { subflowKey } from '../base/addresses';
import { INFO_FLAGS, TCP_STATES } from '../kernel/constants';
import { dumpConnections, OPEN_STATES, publicSubflow, subflowsByToken } from '../kernel/sock-diag';
import { type Connections, type KnownConnection, newConnection } from './table';

const { ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE, CLOSE_WAIT } = TCP_STATES;
const { REMOTE_KEY_RECEIVED } = INFO_FLAGS;

/**
 * Whether the kernel reports events of the connection: not before `created`, nor after the last
 * close(), although it lives on then.
 */
function isReported({ state, inode }: NativeConnection): boolean {
  if (state === SYN_SENT || state === SYN_RECV) return false;
  const waitsForAccept = inode === 0 && (state === ESTABLISHED || state === CLOSE_WAIT);
  return inode !== 0 || waitsForAccept;
}

const isConnected = ({ state }: NativeDiagSubflow): boolean =>
  state !== SYN_SENT && state !== SYN_RECV && state !== CLOSE;

function known(connection: NativeConnection, token: number): KnownConnection {
  const { local, remote } = connection;
  const flags = connection.info?.flags ?? 0;
  return {
    ...newConnection({ token, local, remote }),
    established: (flags & REMOTE_KEY_RECEIVED) !== 0,
  };
}

function addSubflows(connection: KnownConnection, subflows: NativeDiagSubflow[]): void {
  const first = subflowKey(connection);
  connection.subflows.clear();
  for (const each of subflows.filter(isConnected)) {
    const { local, remote, localId, remoteId, backup, initiator } = publicSubflow(each);
    const key = subflowKey(each);
    if (key === first && initiator !== undefined) connection.serverSide = !initiator;
    connection.subflows.set(key, {
      ...{ token: connection.token, local, remote },
      ...(localId !== undefined && { localId }),
      ...(remoteId !== undefined && { remoteId }),
      ...(backup !== undefined && { backup }),
    });
  }
}

/** Every connection whose token the kernel shows, with its subflows. */
export async function snapshot(
  netns: string | undefined,
  signal: AbortSignal,
): Promise<Connections> {
  const subflows = await subflowsByToken(netns, false, { signal });
  const connections: Connections = new Map();
  for await (const each of dumpConnections(netns, { states: OPEN_STATES }, { signal })) {
    if (each.token === undefined || !isReported(each)) continue;
    const connection = known(each, each.token);
    addSubflows(connection, subflows.get(each.token) ?? []);
    connections.set(each.token, connection);
  }
  return connections;
}
