/** Lets a cluster's worker request MPTCP for the ports that the primary binds on its behalf. */
import cluster, { type Worker } from 'node:cluster';
import net from 'node:net';
import type { Tagged } from '../../base/tagged';
import { internals, missingInternals } from './handle';
import { wrapOnce } from './shared';
import type { ListenAddress, TcpHandle } from './types';

/** The congestion control of a listener that is to be MPTCP; false for TCP. */
type Requested = string | false;

/** What a cluster's worker asks the primary to bind (Node's lib/internal/cluster/child.js). */
export interface ClusterQuery extends ListenAddress {
  mptcp?: { id: number; requested: Requested };
}

interface ClusterInternals {
  _getServer(
    server: unknown,
    query: ClusterQuery,
    callback: (error: number, handle?: TcpHandle) => void,
  ): void;
}

interface InternalMessage extends ClusterQuery {
  cmd?: string;
  act?: string;
  id?: number;
  fd?: number | null;
  /** In an answer: whether the descriptor that the worker has named is MPTCP. */
  isMptcp?: boolean;
}

/** Marks the listener of a worker whose connections the primary accepts: whether it is MPTCP. */
const kListensByMptcp = Symbol.for('mptcp.listensByMptcp.1');
type Listener = Tagged<TcpHandle, typeof kListensByMptcp, boolean>;

/**
 * Whether the descriptor at which the primary accepts for a worker's server is MPTCP; undefined where
 * the server listens itself, or the primary binds it.
 */
export function listensByMptcp(server: net.Server): boolean | undefined {
  const listener: Listener | null = internals(server)._handle;
  return listener?.[kListensByMptcp];
}

const ANSWER = 'NODE_MPTCP'; // the prefix keeps it from the app's 'message' events

/** What a worker and a primary do about the servers of workers. */
export interface ClusterHooks {
  /** In a worker: what a server requests; undefined where it has no settings. */
  requests(server: net.Server, query: ClusterQuery): Requested | undefined;
  /**
   * In a worker: called for a server that requests MPTCP and was bound by a primary without this
   * package. The server emits the error that it returns.
   */
  unanswered(server: net.Server): Error | undefined;
  /** In a primary: called before Node handles a worker's query. */
  beforeQuery(requested: Requested): void;
  /** In a primary: whether a descriptor of its own is that of an MPTCP socket. */
  isMptcp(fd: number): boolean;
  /** In a primary: called after Node has handled a worker's query. */
  afterQuery(): void;
}

/** Wraps the queries of a worker, or their handling in a primary, unless this Node.js lacks internals. */
export function installInCluster(load: () => ClusterHooks): void {
  if (missingInternals.length > 0) return;
  wrapOnce('cluster.1', load, cluster.isWorker ? installInWorker : installInPrimary);
}

function installInWorker(hooks: () => ClusterHooks): void {
  const clusterInternals = cluster as unknown as ClusterInternals;
  const getServer = clusterInternals._getServer.bind(cluster);
  const answered = new Map<number, InternalMessage>();
  let queries = 0;
  process.on('internalMessage' as 'message', (message: InternalMessage) => {
    const { cmd, id } = message;
    if (cmd === ANSWER && id !== undefined) answered.set(id, message);
  });
  clusterInternals._getServer = (server, query, callback) => {
    const isIp = server instanceof net.Server && query.port >= 0;
    const requested = isIp ? hooks().requests(server, query) : undefined;
    if (!isIp || requested === undefined) {
      getServer(server, query, callback);
      return;
    }
    const id = ++queries;
    getServer(server, { ...query, mptcp: { id, requested } }, (status, handle) => {
      const answer = answered.get(id);
      answered.delete(id);
      const error = answer || !requested ? undefined : hooks().unanswered(server);
      const listener: Listener | undefined = handle;
      if (listener && answer?.isMptcp !== undefined) listener[kListensByMptcp] = answer.isMptcp;
      if (!error) {
        callback(status, handle);
        return;
      }
      handle?.close();
      server.emit('error', error);
    });
  };
}

function installInPrimary(hooks: () => ClusterHooks): void {
  const listen = ({ process: worker }: Worker): void => {
    // These run before and after Node's own listener, which binds the server.
    worker.prependListener('internalMessage', ({ act, mptcp, fd }: InternalMessage) => {
      if (act !== 'queryServer' || !mptcp) return;
      hooks().beforeQuery(mptcp.requested);
      const isMptcp = typeof fd === 'number' && fd >= 0 ? hooks().isMptcp(fd) : undefined;
      if (worker.connected) worker.send({ cmd: ANSWER, id: mptcp.id, isMptcp });
    });
    worker.addListener('internalMessage', ({ act }: InternalMessage) => {
      if (act === 'queryServer') hooks().afterQuery();
    });
  };
  cluster.on('fork', listen);
  for (const worker of Object.values(cluster.workers ?? {})) if (worker) listen(worker);
}
