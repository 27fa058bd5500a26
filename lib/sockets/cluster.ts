/**
 * Hooks for clusters: the primary binds the servers of its workers, and learns whether to use
 * MPTCP.
 */
import { MptcpError } from '../base/errors';
import { isMptcpDescriptor } from './availability';
import type { ClusterHooks } from './node/cluster';
import { checkMptcpOptions } from './options';
import { enterSettings, excludesListener, settingsOfServer } from './settings';

const preferred = checkMptcpOptions();
const off = checkMptcpOptions({ mode: 'off' });

let warned = false;

export const clusterHooks: ClusterHooks = {
  requests(server, query) {
    const settings = settingsOfServer(server);
    if (!settings) return undefined;
    const requested = settings.mode !== 'off' && !excludesListener(settings, query);
    return requested && settings.congestionControl;
  },
  // The worker carries out the rest of its settings, `require` included.
  beforeQuery: (request) =>
    enterSettings(request ? { ...preferred, congestionControl: request } : off),
  isMptcp: (fd) => isMptcpDescriptor(fd),
  afterQuery: () => enterSettings(),
  unanswered(server) {
    const message =
      "This worker's servers are bound by the cluster's primary, which has not loaded mptcp: they speak TCP. " +
      "Import 'mptcp' in the primary too";
    if (settingsOfServer(server)?.mode === 'require') {
      return new MptcpError('ERR_MPTCP_UNAVAILABLE', message);
    }
    if (!warned) process.emitWarning(message, { type: 'MptcpWarning', code: 'MPTCP_CLUSTER' });
    warned = true;
    return undefined;
  },
};
