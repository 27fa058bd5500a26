'use strict';

/** Errors of the system and of arguments: equal to those of Node's own modules. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { describe } = require('node:test');
const { parity } = require('../support/parity');
const { certificate, listen } = require('../support/peers');

/** All properties by which an app distinguishes errors; ports are chosen by the kernel. */
function comparable(error) {
  const { name, code, errno, syscall, address, port, message } = error;
  return {
    ...{ name, code, errno, syscall, address, hasPort: port !== undefined },
    class: Object.getPrototypeOf(error).constructor.name,
    keys: Object.keys(error),
    message: message.replace(/:\d{2,}/g, ':PORT'),
  };
}

/** The error that `emitter` emits. */
const errorOf = (emitter) => once(emitter, 'error').then(([error]) => error);

/** A port of the loopback address on which nobody listens. */
async function freePort(net) {
  const server = net.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** [code, a function that fails with it] */
const SYSTEM_ERRORS = [
  ['ECONNREFUSED', async ({ net }) => net.connect(await freePort(net), '127.0.0.1')],
  ['ECONNREFUSED', async ({ net }) => net.connect(await freePort(net), '::1')],
  ['ECONNREFUSED', async ({ net }) => net.connect(await freePort(net), 'localhost')],
  ['ECONNREFUSED', async ({ tls, net }) => tls.connect(await freePort(net), '127.0.0.1')],
  [
    'ECONNREFUSED',
    async ({ http, net }) => http.get({ port: await freePort(net), host: '127.0.0.1' }),
  ],
  [
    'ECONNREFUSED',
    async ({ https, net }) => https.get({ port: await freePort(net), host: '127.0.0.1' }),
  ],
  [
    'ECONNREFUSED',
    async ({ http2, net }) => http2.connect(`http://127.0.0.1:${await freePort(net)}`),
  ],
  ['ENETUNREACH', ({ net }) => net.connect(9, '255.255.255.255')],
  [
    'EADDRNOTAVAIL',
    ({ net }) => net.connect({ port: 9, host: '127.0.0.1', localAddress: '192.0.2.1' }),
  ],
  ['EADDRNOTAVAIL', ({ net }) => net.createServer().listen(0, '192.0.2.1')],
  ['EADDRNOTAVAIL', ({ http }) => http.createServer().listen(0, '2001:db8::1')],
  ['ENOENT', ({ net }) => net.connect('/nonexistent/socket')],
  ['EINVAL', ({ net }) => net.createServer().listen({ fd: 0xfffffff })],
  [
    'ENOTFOUND',
    ({ net }) => net.connect({ port: 9, host: 'localhost', family: 6, lookup: notFound }),
  ],
  ['ENOTFOUND', ({ net }) => net.createServer().listen(0, 'no such name')],
];

function notFound(name, _options, callback) {
  const error = new Error(`getaddrinfo ENOTFOUND ${name}`);
  process.nextTick(callback, Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo' }));
}

describe('errors of the system', () => {
  SYSTEM_ERRORS.forEach(([code, fail], index) => {
    parity(
      `${code} (${index}): ${fail
        .toString()
        .replace(/^.*?=>\s*/s, '')
        .slice(0, 90)}`,
      async (_t, used) => {
        const error = await errorOf(await fail(used));
        assert.equal(error.code, code);
        return comparable(error);
      },
    );
  });

  parity('EADDRINUSE', async (t, { net }) => {
    const seen = [];
    for (const host of ['127.0.0.1', '::']) {
      const port = await listen(t, net.createServer(), { host });
      seen.push(comparable(await errorOf(net.createServer().listen(port, host))));
      assert.equal(seen.at(-1).code, 'EADDRINUSE');
    }
    return seen;
  });

  parity('EADDRINUSE for localPort', async (t, { net }) => {
    const port = await listen(t, net.createServer());
    const socket = net.connect({
      port,
      host: '127.0.0.1',
      localAddress: '127.0.0.1',
      localPort: port,
    });
    const error = await errorOf(socket);
    assert.equal(error.code, 'EADDRINUSE');
    return comparable(error);
  });

  // Containers may allow every user every port.
  if (Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start')) > 1) {
    parity('EACCES', async (_t, { net }) => {
      const root = process.geteuid() === 0;
      if (root) process.seteuid(65534);
      try {
        const error = await errorOf(net.createServer().listen(1, '127.0.0.1'));
        assert.equal(error.code, 'EACCES');
        return comparable(error);
      } finally {
        if (root) process.seteuid(0);
      }
    });
  }

  parity('ECONNRESET', async (t, { net }) => {
    const server = net.createServer((socket) => socket.resetAndDestroy());
    const port = await listen(t, server);
    return comparable(await errorOf(net.connect(port, '127.0.0.1').resume()));
  });

  parity(
    'ECONNRESET of an http request whose server closes the connection',
    async (t, { http, net }) => {
      const server = net.createServer((socket) => socket.resume().end());
      const port = await listen(t, server);
      const error = await errorOf(http.get({ port, host: '127.0.0.1', agent: false }));
      assert.equal(error.code, 'ECONNRESET');
      return comparable(error);
    },
  );

  parity('errors of an untrusted certificate', async (t, { tls, https, http2 }) => {
    const { key, cert } = certificate();
    const port = await listen(t, tls.createServer({ key, cert }));
    const seen = [
      await errorOf(tls.connect(port, '127.0.0.1')),
      await errorOf(https.get({ port, host: '127.0.0.1', agent: false })),
      await errorOf(http2.connect(`https://127.0.0.1:${port}`)),
    ].map(comparable);
    assert.equal(seen[0].code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
    return seen;
  });
});

/** Wrong arguments, each with the code of Node's error. */
const MISTAKES = [
  ['ERR_SOCKET_BAD_PORT', ({ net }) => net.connect(65536)],
  ['ERR_SOCKET_BAD_PORT', ({ net }) => net.connect({ port: -1 })],
  ['ERR_SOCKET_BAD_PORT', ({ net }) => net.createServer().listen(65536)],
  ['ERR_SOCKET_BAD_PORT', ({ tls }) => tls.connect({ port: 99999 })],
  ['ERR_SOCKET_BAD_PORT', ({ http }) => http.createServer().listen({ port: -5 })],
  ['ERR_MISSING_ARGS', ({ net }) => net.connect()],
  ['ERR_MISSING_ARGS', ({ net }) => net.connect({})],
  ['ERR_MISSING_ARGS', ({ net }) => new net.Socket().connect()],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => net.connect({ port: {} })],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => net.connect({ path: 5 })],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => net.connect({ port: 1, lookup: 'dns' })],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => net.connect({ port: 1, localPort: '5' })],
  ['ERR_INVALID_IP_ADDRESS', ({ net }) => net.connect({ port: 1, localAddress: 'here' })],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => net.createServer('options')],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => net.createServer(5)],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => new net.Server(true)],
  ['ERR_INVALID_ARG_VALUE', ({ net }) => net.createServer().listen({})],
  ['ERR_INVALID_ARG_VALUE', ({ net }) => net.createServer().listen(false)],
  ['ERR_INVALID_ARG_VALUE', ({ net }) => new net.Socket({ objectMode: true })],
  ['ERR_INVALID_ARG_TYPE', ({ net }) => new net.Socket({ fd: 'one' })],
  ['ERR_OUT_OF_RANGE', ({ net }) => new net.Socket({ fd: -1 })],
  ['ERR_INVALID_ARG_TYPE', ({ tls }) => tls.createServer('options')],
  ['ERR_INVALID_ARG_TYPE', ({ tls }) => tls.createServer({ handshakeTimeout: '5' })],
  ['ERR_TLS_INVALID_PROTOCOL_VERSION', ({ tls }) => tls.connect({ port: 1, minVersion: 'TLSv9' })],
  ['ERR_INVALID_ARG_TYPE', ({ http }) => http.createServer('options')],
  ['ERR_INVALID_ARG_TYPE', ({ http }) => new http.Server({ requestTimeout: 'x' })],
  ['ERR_INVALID_URL', ({ http }) => http.request('not a URL')],
  ['ERR_INVALID_URL', ({ https }) => https.get('not a URL')],
  ['ERR_INVALID_PROTOCOL', ({ http }) => http.get('https://127.0.0.1:1')],
  ['ERR_INVALID_PROTOCOL', ({ https }) => https.get('http://127.0.0.1:1')],
  ['ERR_INVALID_ARG_TYPE', ({ http }) => http.request({ port: 1, agent: 'smith' })],
  ['ERR_INVALID_ARG_TYPE', ({ http }) => http.request({ port: 1, host: 5 })],
  ['ERR_INVALID_HTTP_TOKEN', ({ http }) => http.request({ port: 1, method: 'GE T' })],
  ['ERR_UNESCAPED_CHARACTERS', ({ http }) => http.request({ port: 1, path: '/a b' })],
  ['ERR_OUT_OF_RANGE', ({ http }) => new http.Agent({ maxTotalSockets: -1 })],
  ['ERR_INVALID_ARG_VALUE', ({ http }) => new http.Agent({ scheduling: 'random' })],
  ['ERR_INVALID_URL', ({ http2 }) => http2.connect('not a URL')],
  ['ERR_HTTP2_UNSUPPORTED_PROTOCOL', ({ http2 }) => http2.connect('ftp://127.0.0.1')],
  ['ERR_INVALID_ARG_TYPE', ({ http2 }) => http2.createServer('options')],
  ['ERR_INVALID_ARG_TYPE', ({ http2 }) => http2.createSecureServer('options')],
];

describe('errors of wrong arguments', () => {
  for (const [code, mistake] of MISTAKES) {
    parity(`${code}: ${mistake.toString().replace(/^.*?=>\s*/s, '')}`, (_t, used) => {
      try {
        mistake(used);
      } catch (error) {
        assert.equal(error.code, code);
        return comparable(error);
      }
      throw new Error('nothing was thrown');
    });
  }

  parity('the second listen() throws', async (t, { net }) => {
    const server = net.createServer();
    await listen(t, server);
    try {
      server.listen(0);
    } catch (error) {
      assert.equal(error.code, 'ERR_SERVER_ALREADY_LISTEN');
      return comparable(error);
    }
    throw new Error('nothing was thrown');
  });

  parity('close() of a server that does not listen fails', async (_t, { net }) => {
    const error = await new Promise((resolve) => net.createServer().close(resolve));
    assert.equal(error.code, 'ERR_SERVER_NOT_RUNNING');
    return comparable(error);
  });
});
