'use strict';

// An app without this package: a server and clients of it, by node:net and node:http. Prints the
// protocols of its sockets as the kernel reports them. With `in` it does so in a child process or a
// worker thread.

const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { input, print } = require('../support/program');

const { in: where, ...rest } = input();

/** 'mptcp' or 'tcp', read from the socket by the addon without loading the package. */
function spoken(socket) {
  const native = require('../support/native');
  return native.isMptcp(socket._handle.fd) ? 'mptcp' : 'tcp';
}

async function app({ port = 0, connect = {}, listenOn = '127.0.0.1' }) {
  const server = net.createServer();
  server.listen(port, listenOn);
  await once(server, 'listening');
  const accepting = once(server, 'connection');
  const client = net.connect({ port: server.address().port, host: '127.0.0.1', ...connect });
  const [[accepted]] = await Promise.all([accepting, once(client, 'connect')]);
  const found = {
    protocol: require('../support/native').getOption(client._handle.fd, 'SO_PROTOCOL'),
    listener: require('../support/native').getOption(server._handle.fd, 'SO_PROTOCOL'),
    client: spoken(client),
    server: spoken(accepted),
  };
  client.destroy();
  accepted.destroy();
  server.close();

  const web = http.createServer((request, response) => response.end(spoken(request.socket)));
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const answer = await fetch(`http://127.0.0.1:${web.address().port}`);
  found.fetch = await answer.text();
  web.close();
  web.closeAllConnections();
  return found;
}

function elsewhere() {
  const env = { ...process.env, INPUT: JSON.stringify({ ...rest, in: undefined }) };
  switch (where) {
    case 'fork':
      return require('node:child_process').fork(__filename, { env });
    case 'spawn':
      return require('node:child_process').spawn(process.execPath, [__filename], {
        env,
        stdio: 'inherit',
      });
    case 'fork without flags':
      return require('node:child_process').fork(__filename, { env, execArgv: [] });
    case 'worker':
      return new (require('node:worker_threads').Worker)(__filename, { env });
    case 'worker without flags':
      return new (require('node:worker_threads').Worker)(__filename, { env, execArgv: [] });
    default:
      return undefined;
  }
}

if (!elsewhere()) {
  process.on('warning', ({ code, message }) => print({ warning: { code, message } }));
  app(rest).then(print, ({ code, name, message }) => print({ error: { code, name, message } }));
}
