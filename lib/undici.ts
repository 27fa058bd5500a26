/** For undici's agents: `new Agent({ connect: connector() })`. undici is an optional peer dependency. */
import type undici from 'undici';
import type { buildConnector } from 'undici';
import { settingsFrom } from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';
import { withSettings } from './sockets/settings';

/** undici's own connector (TLS sessions, ALPN, time-outs are its own), over MPTCP. */
export function connector(
  options: buildConnector.BuildOptions & WithMptcpOptions = {},
): buildConnector.connector {
  const { mptcp, ...rest } = options;
  const settings = settingsFrom([{ mptcp }]);
  // Loaded here: importing this package must not need undici.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { buildConnector: build } = require('undici') as typeof undici;
  const connect = build(rest);
  return (target, callback) => withSettings(settings, connect, target, callback);
}
