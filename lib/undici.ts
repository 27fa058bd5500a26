/**
 * MPTCP for undici's agents: `new Agent({ connect: connector() })`. undici is an optional peer
 * dependency.
 */
import type undici from 'undici';
import type { buildConnector } from 'undici';
import { requireOf, settingsFrom } from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';
import { withSettings } from './sockets/settings';

/**
 * Returns undici's own connector, with its TLS sessions, ALPN and time-outs, over MPTCP. `options` are
 * those of undici.buildConnector() and `mptcp`.
 */
export function connector(
  options: buildConnector.BuildOptions & WithMptcpOptions = {},
): buildConnector.connector {
  const { mptcp, ...rest } = options;
  const settings = settingsFrom([{ mptcp }]);
  // undici is loaded here because importing this package must not need it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { buildConnector: build } = require('undici') as typeof undici;
  const connect = build(rest);
  return (target, callback) => {
    const { httpSocket } = target;
    if (!httpSocket || settings.mode !== 'require') {
      withSettings(settings, connect, target, callback);
      return;
    }
    // A proxy's socket was made elsewhere.
    let failure: Error | undefined;
    requireOf(httpSocket, (error) => {
      failure = error;
      httpSocket.destroy(error);
    });
    if (failure) callback(failure, null);
    else withSettings(settings, connect, target, callback);
  };
}
