'use strict';

// A Node process that runs the functions which a test sends it, one JSON line each, and answers
// with what they give. They get `peer`, below; what they keep in `peer.state` the next ones find.

const { createCipheriv, createHash } = require('node:crypto');
const diagnostics = require('node:diagnostics_channel');
const { once } = require('node:events');
const { existsSync, readdirSync } = require('node:fs');
const { isIP } = require('node:net');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { Readable } = require('node:stream');
const { Worker } = require('node:worker_threads');

const CHUNK = Buffer.alloc(64 * 1024);
const root = join(__dirname, '..', '..', '..');

const plain = {
  net: require('node:net'),
  tls: require('node:tls'),
  http: require('node:http'),
  https: require('node:https'),
  http2: require('node:http2'),
};

/** Without the package loaded by anything, `plain` is all there is. */
globalThis.require = require;
const load = (name) => require(join(root, 'dist', name));

const warnings = [];
process.on('warning', ({ code, message }) => warnings.push({ code, message }));

const peer = {
  state: { flows: [], sockets: [] },
  warnings,
  plain,
  once,
  Worker,
  certificate: JSON.parse(process.env.PEER_CERTIFICATE ?? '{}'),
  get mptcp() {
    return load('index.js');
  },
  get net() {
    return load('net.js');
  },
  get tls() {
    return load('tls.js');
  },
  get http() {
    return load('http.js');
  },
  get https() {
    return load('https.js');
  },
  get http2() {
    return load('http2.js');
  },

  /** Listens on every address; gives the port. */
  async listen(server, host = '::') {
    peer.state.server = server;
    await once(server.listen(0, host), 'listening');
    return server.address().port;
  },

  /** Options for which a name resolves to `addresses`. */
  resolving(addresses) {
    if (!addresses) return {};
    const resolved = addresses.map((address) => ({ address, family: isIP(address) }));
    return { lookup: (_name, _options, callback) => callback(null, resolved) };
  },

  /** Waits for an event, whatever errors come before it. */
  happened: (emitter, event) =>
    new Promise((resolve) => emitter.once(event, (...args) => resolve(args))),

  exists: existsSync,

  /** How many file descriptors this process has. */
  descriptors: () => readdirSync('/proc/self/fd').length,

  /** How many threads it has. */
  threads: () => readdirSync('/proc/self/task').length,

  /** The modules that speak MPTCP, or Node's own. */
  modules: (protocol) => (protocol === 'tcp' ? plain : peer),

  /** What is published on a diagnostics channel from now on, as `select` sees it. */
  record(channel, select = (message) => message) {
    const messages = [];
    diagnostics.subscribe(channel, (message) => messages.push(select(message)));
    return messages;
  },

  /** Bytes that look random, until stop() at the latest, and their hash when they were all read. */
  bytes(length) {
    const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, length), Buffer.alloc(16));
    const hash = createHash('sha256');
    let left = length;
    function* chunks() {
      for (; left > 0; left -= CHUNK.length) {
        const chunk = cipher.update(CHUNK.subarray(0, left));
        hash.update(chunk);
        yield chunk;
      }
    }
    const stream = Readable.from(chunks(), { objectMode: false });
    return Object.assign(stream, { digest: () => hash.digest('hex'), stop: () => (left = 0) });
  },

  /** Takes a stream in to its end, no faster than `progress` wants. */
  async receive(stream, progress = () => undefined) {
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of stream) {
      hash.update(chunk);
      length += chunk.length;
      await progress(length);
    }
    return { length, sha256: hash.digest('hex') };
  },

  /**
   * Sends on a socket until `flow.sent.stop()`, or takes in what the other side sends; not between
   * `flow.halt()` and `flow.go()`.
   */
  flow(socket, role) {
    const flow = { connection: peer.mptcp.connectionOf(socket), socket, received: 0, stall: 0 };
    peer.state.flows.push(flow);
    socket.on('error', (error) => (flow.error = error.code));
    if (role === 'send') {
      flow.sent = peer.bytes(Infinity);
      flow.halt = () => flow.sent.unpipe(socket);
      flow.go = () => flow.sent.pipe(socket);
      flow.go();
      return flow;
    }
    let going;
    flow.halt = () => (going = new Promise((resolve) => (flow.go = resolve)));
    let last = performance.now();
    flow.done = peer.receive(socket, (length) => {
      const now = performance.now();
      flow.received = length;
      flow.stall = Math.max(flow.stall, now - last);
      last = now;
      return going;
    });
    flow.done.catch(() => undefined); // told to who waits for it
    return flow;
  },

  /** Waits until `ask` is true. For states that no event tells of. */
  async until(ask, timeout = 30_000) {
    const deadline = performance.now() + timeout;
    while (!(await ask())) {
      if (performance.now() > deadline) throw new Error(`not within ${timeout} ms: ${ask}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  },
};

const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const describe = ({ name, message, code, errno, syscall, stack }) => ({
  ...{ name, message, code, errno, syscall, stack },
});

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { id, source, args } = JSON.parse(line);
    try {
      answer({ id, value: await (0, eval)(`(${source})`)(peer, ...args) });
    } catch (error) {
      answer({ id, error: describe(error) });
    }
  })
  .on('close', () => process.exit());

answer({ id: 0, value: process.pid });
