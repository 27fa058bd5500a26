'use strict';

// The process of a peer: runs the functions that a test sends, one JSON line each, and answers with
// their results. Their first argument is `peer`, below; `peer.state` keeps values between them.

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

/** For functions that load modules themselves. */
globalThis.require = require;
/** Loads a door of the package only when a function uses it. */
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

  /** Listens on a free port of `host`; returns the port. */
  async listen(server, host = '::') {
    peer.state.server = server;
    await once(server.listen(0, host), 'listening');
    return server.address().port;
  },

  /** Options of connect() with which every name resolves to `addresses`. */
  resolving(addresses) {
    if (!addresses) return {};
    const resolved = addresses.map((address) => ({ address, family: isIP(address) }));
    return { lookup: (_name, _options, callback) => callback(null, resolved) };
  },

  /** Waits for an event, whatever errors precede it. */
  happened: (emitter, event) =>
    new Promise((resolve) => emitter.once(event, (...args) => resolve(args))),

  exists: existsSync,

  /** The number of open file descriptors of this process. */
  descriptors: () => readdirSync('/proc/self/fd').length,

  /** The number of threads of this process. */
  threads: () => readdirSync('/proc/self/task').length,

  /** The modules that speak MPTCP, or Node's own. */
  modules: (protocol) => (protocol === 'tcp' ? plain : peer),

  /** Collects what `select` returns for each message on a diagnostics channel from now on. */
  record(channel, select = (message) => message) {
    const messages = [];
    diagnostics.subscribe(channel, (message) => messages.push(select(message)));
    return messages;
  },

  /** A stream of pseudo-random bytes that stop() ends early; digest() is the hash of those read. */
  bytes(length) {
    const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, length), Buffer.alloc(16));
    const hash = createHash('sha256');
    let remaining = length;
    function* chunks() {
      for (; remaining > 0; remaining -= CHUNK.length) {
        const chunk = cipher.update(CHUNK.subarray(0, remaining));
        hash.update(chunk);
        yield chunk;
      }
    }
    const stream = Readable.from(chunks(), { objectMode: false });
    return Object.assign(stream, { digest: () => hash.digest('hex'), stop: () => (remaining = 0) });
  },

  /** Reads a stream to its end; awaits `progress` after each chunk. */
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
   * Sends on a socket until `flow.sent.stop()`, or reads what the other side sends; paused between
   * `flow.pause()` and `flow.resume()`.
   */
  flow(socket, role) {
    const flow = { connection: peer.mptcp.connectionOf(socket), socket, received: 0, stall: 0 };
    peer.state.flows.push(flow);
    socket.on('error', (error) => (flow.error = error.code));
    if (role === 'send') {
      flow.sent = peer.bytes(Infinity);
      flow.pause = () => flow.sent.unpipe(socket);
      flow.resume = () => flow.sent.pipe(socket);
      flow.resume();
      return flow;
    }
    let resumed;
    flow.pause = () => (resumed = new Promise((resolve) => (flow.resume = resolve)));
    let last = performance.now();
    flow.done = peer.receive(socket, (length) => {
      const now = performance.now();
      flow.received = length;
      flow.stall = Math.max(flow.stall, now - last);
      last = now;
      return resumed;
    });
    flow.done.catch(() => undefined); // rejects only for those that await it
    return flow;
  },

  /** Polls `ask` until it is true, for states that no event reports. */
  async until(ask, timeout = 30_000) {
    const deadline = performance.now() + timeout;
    while (!(await ask())) {
      if (performance.now() > deadline) throw new Error(`timed out after ${timeout} ms: ${ask}`);
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
