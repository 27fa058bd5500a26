/** Lets a cluster's worker tell the primary that the port which it binds is to speak MPTCP. */
import cluster, { type Worker } from 'node:cluster';
import net from 'node:net';
import { wrapOnce } from './shared';
import type { ListenAddress, TcpHandle } from './types';

/** MPTCP with this congestion control, or not. */
type Wanted = string | false;

/** What a cluster's worker asks the primary to bind (Node's lib/internal/cluster). */
export interface ClusterQuery extends ListenAddress {
  mptcp?: { id: number; wanted: Wanted };
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
}

const ANSWER = 'NODE_MPTCP'; // the prefix keeps it from the app's 'message' events

/**
 * In a worker `wants` says whether a server wants MPTCP (undefined: nothing was said about it), and
 * `unanswered` what to do about one that a primary without this package has bound. In a primary
 * each query is handled between `asked` and `handled`.
 */
export interface ClusterHooks {
  wants(server: net.Server, query: ClusterQuery): Wanted | undefined;
  unanswered(server: net.Server): Error | undefined;
  asked(wanted: Wanted): void;
  handled(): void;
}

/** Wraps what a worker asks its primary, or what a primary does with it. */
export function installInCluster(load: () => ClusterHooks): void {
  wrapOnce('cluster.1', load, cluster.isWorker ? installInWorker : installInPrimary);
}

function installInWorker(hooks: () => ClusterHooks): void {
  const clusterInternals = cluster as unknown as ClusterInternals;
  const getServer = clusterInternals._getServer.bind(cluster);
  const answered = new Set<number>();
  let queries = 0;
  process.on('internalMessage' as 'message', ({ cmd, id }: InternalMessage) => {
    if (cmd === ANSWER && id !== undefined) answered.add(id);
  });
  clusterInternals._getServer = (server, query, callback) => {
    const isIp = server instanceof net.Server && query.port >= 0;
    const wanted = isIp ? hooks().wants(server, query) : undefined;
    if (!isIp || wanted === undefined) {
      getServer(server, query, callback);
      return;
    }
    const id = ++queries;
    getServer(server, { ...query, mptcp: { id, wanted } }, (status, handle) => {
      const error = answered.delete(id) || !wanted ? undefined : hooks().unanswered(server);
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
    // Before and after the listener with which Node binds the server, or tells one to listen.
    worker.prependListener('internalMessage', ({ act, mptcp }: InternalMessage) => {
      if (act !== 'queryServer' || !mptcp) return;
      hooks().asked(mptcp.wanted);
      if (worker.connected) worker.send({ cmd: ANSWER, id: mptcp.id });
    });
    worker.addListener('internalMessage', ({ act }: InternalMessage) => {
      if (act === 'queryServer') hooks().handled();
    });
  };
  cluster.on('fork', listen);
  for (const worker of Object.values(cluster.workers ?? {})) if (worker) listen(worker);
}
