'use strict';

// Opens connections that end in every possible way, and fails if file descriptors, JavaScript heap
// or resident memory leak.
//   node --expose-gc test/leaks/connections.js [connections]
// Under a sanitizer (ASAN_OPTIONS is set), which allocates memory itself, resident memory is ignored.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readdirSync } = require('node:fs');
const { text } = require('node:stream/consumers');
const { connectionOf, enable } = require('mptcp');
const http = require('mptcp/http');
const net = require('mptcp/net');
const plain = require('node:net');

const CONNECTIONS = Number(process.argv[2] ?? 10_000);
const AT_ONCE = 20;
/** When the queue of a listener overflows, the kernel may keep a connection for a minute. */
const BACKLOG = 4096;
const MOST_HEAP = 0.6e6; // bytes of growth after the first third
const MOST_RSS = 48e6; // of which V8 uses a varying part
/** Less than the minute for which the kernel keeps a socket that its peer does not close. */
const DEADLINE = 45_000; // ms

const require_ = { mptcp: { mode: 'require' } };
const host = '127.0.0.1';
const closed = (emitter) => new Promise((resolve) => emitter.once('close', resolve));

async function listening(server) {
  server.on('connection', (socket) => socket.on('error', () => undefined));
  await once(server.listen({ port: 0, host, backlog: BACKLOG }), 'listening');
  return server.address().port;
}

/** Each function makes one connection or fails to, and resolves when its resources are released. */
const waysOfEnding = ({ echo, web, tcp, refused, requiring, full }) => [
  async function ended() {
    const socket = net.connect(echo, host);
    socket.end('x');
    await text(socket);
  },
  async function watched() {
    const socket = net.connect(echo, host);
    await once(socket, 'connect');
    const connection = connectionOf(socket);
    assert.equal(connection.subflows().length, 1);
    socket.destroy();
    await closed(socket);
    assert.notEqual(connection.status, 'pending');
  },
  async function destroyedAtOnce() {
    const socket = net.connect(echo, host);
    socket.destroy();
    await closed(socket);
  },
  async function destroyedWhileConnecting() {
    const socket = net.connect(echo, host);
    await new Promise(setImmediate);
    socket.destroy();
    await closed(socket);
  },
  async function destroyedWithDataInFlight() {
    const socket = net.connect(echo, host);
    await once(socket, 'connect');
    socket.write(Buffer.alloc(100_000));
    await new Promise(setImmediate);
    socket.destroy();
    await closed(socket);
  },
  async function reset() {
    const socket = net.connect(echo, host);
    await once(socket, 'connect');
    socket.resetAndDestroy();
    await closed(socket);
  },
  async function aborted() {
    const aborter = new AbortController();
    const socket = net.connect({ port: echo, host, signal: aborter.signal });
    socket.on('error', () => undefined);
    setImmediate(() => aborter.abort());
    await closed(socket);
  },
  async function failed() {
    const socket = net.connect(refused, host).on('error', () => undefined);
    await closed(socket);
  },
  async function failedToBind() {
    const socket = net.connect({ port: echo, host, localAddress: '192.0.2.1' });
    await closed(socket.on('error', () => undefined));
  },
  async function secondAddress() {
    const socket = net.connect({
      ...{ port: echo, host: 'example.test', autoSelectFamily: true },
      lookup: (_name, _options, callback) =>
        callback(null, [
          { address: '::1', family: 6 },
          { address: host, family: 4 },
        ]),
    });
    await once(socket, 'connect');
    socket.end('x');
    await text(socket);
  },
  async function fellBack() {
    const socket = net.connect(tcp, host);
    await text(socket);
  },
  async function rejectedByClient() {
    const socket = net.connect({ port: tcp, host, ...require_ });
    await closed(socket.on('error', () => undefined));
  },
  async function rejectedByServer() {
    const socket = plain.connect(requiring, host).on('error', () => undefined);
    await closed(socket.resume());
  },
  async function request() {
    const [response] = await once(http.get({ port: web, host, agent: false }), 'response');
    await text(response);
    await closed(response.socket);
  },
  async function abortedRequest() {
    const request = http.get({ port: web, host, agent: false, path: '/slow' });
    request.on('error', () => undefined);
    const [socket] = await once(request, 'socket');
    await once(socket, 'connect');
    request.destroy();
    await closed(socket);
  },
  async function server() {
    const server = enable(plain.createServer());
    await once(server.listen(0, host), 'listening');
    server.close();
    await closed(server);
  },
  async function serverThatFails() {
    const server = net.createServer().listen(echo, host);
    await once(server, 'error');
  },
  async function dropped() {
    const socket = net.connect(full, host);
    await closed(socket.resume().on('error', () => undefined));
  },
];

const files = () => readdirSync('/proc/self/fd').length;

async function settle() {
  for (let i = 0; i < 5; ++i) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { files: files(), heapUsed, rss };
}

/** Waits until the event loop and the kernel have closed the descriptors of all connections. */
async function untilFilesAtMost(limit) {
  const start = performance.now();
  while (files() > limit) {
    assert.ok(performance.now() - start < DEADLINE, `${files() - limit} file descriptors leak`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function main() {
  const start = performance.now();
  const servers = {
    echo: net.createServer((socket) => socket.pipe(socket)),
    web: http.createServer(({ url }, response) => url !== '/slow' && response.end('x')),
    tcp: plain.createServer((socket) => socket.end('x')),
    requiring: net.createServer(require_),
    full: net.createServer(),
    refused: net.createServer(),
  };
  servers.full.maxConnections = 1;
  const ports = {};
  for (const [name, server] of Object.entries(servers)) ports[name] = await listening(server);
  servers.refused.close();
  const occupant = net.connect(ports.full, host);
  await once(servers.full, 'connection');
  const ways = waysOfEnding(ports);

  let made = 0;
  const make = async (total) => {
    const runners = Array.from({ length: AT_ONCE }, async () => {
      while (made < total) await ways[made++ % ways.length]();
    });
    await Promise.all(runners);
  };

  // The first third excludes one-time allocations and what V8 compiles.
  const opened = files();
  await make(CONNECTIONS / 3);
  await untilFilesAtMost(opened);
  const before = await settle();
  await make(CONNECTIONS);
  await untilFilesAtMost(opened);
  const after = await settle();

  const leaked = {
    connections: made,
    seconds: Math.round((performance.now() - start) / 100) / 10,
    files: after.files - opened,
    heap: after.heapUsed - before.heapUsed,
    rss: after.rss - before.rss,
  };
  console.log(JSON.stringify(leaked));
  assert.ok(leaked.heap < MOST_HEAP, `${leaked.heap} bytes of JavaScript heap leak`);
  if (!process.env.ASAN_OPTIONS)
    assert.ok(leaked.rss < MOST_RSS, `${leaked.rss} bytes of resident memory leak`);
  occupant.destroy();
  for (const server of Object.values(servers)) server.close();
}

void main();
