'use strict';

/** Servers, clients and certificates that the programs of behaviour/ share. */

const { once } = require('node:events');
const { existsSync, readFileSync } = require('node:fs');
const mnet = require('mptcp/net');

const ENABLED = '/proc/sys/net/mptcp/enabled';

/** The status of a connection between two sockets of this package on this machine. */
const SPOKEN =
  existsSync(ENABLED) && readFileSync(ENABLED, 'utf8').trim() === '1' ? 'mptcp' : 'fallback';

/** Options of tests that do not work over TCP. */
const NEEDS_MPTCP = { skip: SPOKEN !== 'mptcp' && 'the kernel has no MPTCP' };

/** Listens on a free port of the loopback address until the test ends; returns the port. */
async function listen(t, server, options = {}) {
  t.after(() => server.close());
  server.listen({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  return server.address().port;
}

/** Destroys `socket` when the test ends. */
function own(t, socket) {
  t.after(() => socket.destroy());
  return socket;
}

/** Connects two sockets; `connect` receives port and host. */
async function pair(t, { server = mnet.createServer(), connect = mnet.connect } = {}) {
  const port = await listen(t, server);
  const accepting = once(server, 'connection');
  const client = own(t, connect(port, '127.0.0.1'));
  const [[accepted]] = await Promise.all([accepting, once(client, 'connect')]);
  return { server, port, client, accepted: own(t, accepted) };
}

/** The self-signed certificate that behaviour.test.ts passes in the environment. */
const certificate = () => JSON.parse(process.env.PEER_CERTIFICATE);

module.exports = { NEEDS_MPTCP, SPOKEN, certificate, listen, own, pair };
