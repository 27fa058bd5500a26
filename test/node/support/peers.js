'use strict';

const { once } = require('node:events');
const { existsSync, readFileSync } = require('node:fs');
const mnet = require('mptcp/net');

const ENABLED = '/proc/sys/net/mptcp/enabled';

/** What two sockets of this package speak to each other on this machine. */
const SPOKEN =
  existsSync(ENABLED) && readFileSync(ENABLED, 'utf8').trim() === '1' ? 'mptcp' : 'fallback';

/** For tests that cannot be had over TCP. */
const NEEDS_MPTCP = { skip: SPOKEN !== 'mptcp' && 'the kernel has no MPTCP' };

/** Listens on a free port of the loopback address, and is closed with the test. */
async function listen(t, server, options = {}) {
  t.after(() => server.close());
  server.listen({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  return server.address().port;
}

/** Destroys `socket` with the test. */
function own(t, socket) {
  t.after(() => socket.destroy());
  return socket;
}

/** Both ends of a connection; `connect` takes the port. */
async function pair(t, { server = mnet.createServer(), connect = mnet.connect } = {}) {
  const port = await listen(t, server);
  const taken = once(server, 'connection');
  const client = own(t, connect(port, '127.0.0.1'));
  const [[accepted]] = await Promise.all([taken, once(client, 'connect')]);
  return { server, port, client, accepted: own(t, accepted) };
}

/** The self-signed certificate that the jest test hands over. */
const certificate = () => JSON.parse(process.env.PEER_CERTIFICATE);

module.exports = { NEEDS_MPTCP, SPOKEN, certificate, listen, own, pair };
