'use strict';

// Uses this package where MPTCP is not available, and prints the results.

const { once } = require('node:events');
const { text } = require('node:stream/consumers');
const { input, print } = require('../support/program');

const warnings = [];
process.on('warning', ({ name, code, message }) => warnings.push({ name, code, message }));

const failure = (emitter) =>
  once(emitter, 'error').then(([{ name, code, message }]) => ({ name, code, message }));

async function use() {
  const { capabilities, connectionOf, enable, PathManager } = require('mptcp');
  const [net, http] = [require('mptcp/net'), require('mptcp/http')];
  const imported = [];
  for (const name of ['net', 'tls', 'http', 'https', 'http2', 'undici', 'register']) {
    imported.push(Object.keys(await import(`mptcp/${name}`)).length > 0 || name === 'register');
  }

  const server = net.createServer((socket) => socket.end(connectionOf(socket).status));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  const client = net.connect(port, '127.0.0.1');
  await once(client, 'connect');
  const connection = connectionOf(client);
  const statuses = [connection.status, await text(client)];
  const plain = enable(require('node:net').createServer());
  await once(plain.listen(0, '127.0.0.1'), 'listening');
  plain.close();

  const web = http.createServer((request, response) => response.end('web'));
  await once(web.listen(0, '127.0.0.1'), 'listening');
  const [response] = await once(
    http.get({ port: web.address().port, host: '127.0.0.1' }),
    'response',
  );
  const body = await text(response);
  http.globalAgent.destroy();
  web.close();

  const mptcp = { mode: 'require' };
  const events = [];
  const required = net.connect({ port, host: '127.0.0.1', mptcp });
  required.on('connect', () => events.push('connect'));
  const errors = {
    client: await failure(required),
    server: await failure(net.createServer({ mptcp }).listen(0, '127.0.0.1')),
  };
  server.close();
  const { reason, ...can } = await capabilities();
  const pathManager = await Promise.resolve()
    .then(() => PathManager?.open())
    .then(
      () => 'opened',
      ({ code }) => code,
    );
  print({
    ...{ imported, statuses, body, errors, events, can, pathManager },
    reason: { name: reason?.name, code: reason?.code, message: reason?.message },
  });
}

async function main() {
  await use();
  if (input().worker) {
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(__filename, { env: { ...process.env, INPUT: '{}' } });
    await once(worker, 'exit');
  }
  await new Promise(setImmediate);
  print({ warnings });
}

main().catch(({ stack }) => print({ stack }));
