/** A cluster's worker has its servers bound by the primary, which has to know whether they want MPTCP. */
import { MptcpError } from '../base/errors';
import type { ClusterHooks } from './node/cluster';
import { checkMptcpOptions } from './options';
import { enterSettings, excludesListener, settingsOfServer } from './settings';

const preferred = checkMptcpOptions();
const off = checkMptcpOptions({ mode: 'off' });

let warned = false;

export const clusterHooks: ClusterHooks = {
  wants(server, query) {
    const settings = settingsOfServer(server);
    if (!settings) return undefined;
    const wanted = settings.mode !== 'off' && !excludesListener(settings, query);
    return wanted && settings.congestionControl;
  },
  // The worker sees to the rest, `require` included.
  asked: (wanted) => enterSettings(wanted ? { ...preferred, congestionControl: wanted } : off),
  handled: () => enterSettings(),
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
