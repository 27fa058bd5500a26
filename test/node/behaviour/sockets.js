'use strict';

/** Sockets and servers of net and tls behave as in Node. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe } = require('node:test');
const { text } = require('node:stream/consumers');
const { connectionOf } = require('mptcp');
const native = require('../support/native');
const { NODE, parity } = require('../support/parity');
const { certificate, listen, own, pair } = require('../support/peers');
const silentServer = require('../support/silent-server');

const option = (socket, name) => native.getOption(socket._handle.fd, name);
const major = Number(process.versions.node.split('.')[0]);

/** Answers as dns.lookup does, with all of `addresses`. */
const resolvesTo =
  (...addresses) =>
  (_name, { all }, callback) => {
    const answers = addresses.map((address) => ({ address, family: NODE.net.isIP(address) }));
    process.nextTick(() =>
      all ? callback(null, answers) : callback(null, answers[0].address, answers[0].family),
    );
  };

/** The properties of an error that are compared. */
const comparable = ({ name, code, syscall, errno, address, message }) => ({
  ...{ name, code, syscall, errno, address },
  message: message.replace(/:\d+/g, ':PORT'),
});

describe('Happy Eyeballs', () => {
  for (const addresses of [
    ['::1', '127.0.0.1'],
    ['127.0.0.2', '::1', '127.0.0.1'],
    ['127.0.0.1', '::1'],
  ]) {
    parity(
      `finds the address that listens among ${addresses.join(', ')}`,
      async (t, { net, check }) => {
        const port = await listen(t, net.createServer());
        const options = { port, host: 'example.test', autoSelectFamily: true };
        const socket = own(t, net.connect({ ...options, lookup: resolvesTo(...addresses) }));
        const failed = [];
        socket.on('connectionAttemptFailed', (ip, _port, family, { code }) =>
          failed.push({ ip, family, code }),
        );
        await once(socket, 'connect');
        check(socket);
        return {
          failed,
          remote: socket.remoteAddress,
          attempted: socket.autoSelectFamilyAttemptedAddresses.map((each) =>
            each.replace(/:\d+$/, ''),
          ),
        };
      },
    );
  }

  parity('continues after an address that does not answer', async (t, { net, check }) => {
    const silent = await silentServer(t, '127.0.0.2');
    const server = net.createServer();
    t.after(() => server.close());
    await once(server.listen(silent, '127.0.0.1'), 'listening');
    const socket = own(
      t,
      net.connect({
        port: silent,
        host: 'example.test',
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: 50,
        lookup: (_name, _options, callback) =>
          process.nextTick(callback, null, [
            { address: '127.0.0.2', family: 4 },
            { address: '::1', family: 6 },
            { address: '127.0.0.1', family: 4 },
          ]),
      }),
    );
    const timedOut = [];
    socket.on('connectionAttemptTimeout', (ip) => timedOut.push(ip));
    await once(socket, 'connect');
    check(socket);
    return { timedOut, remote: socket.remoteAddress };
  });

  parity('reports every address where all fail', async (t, { net }) => {
    const socket = net.connect({
      port: 1,
      host: 'example.test',
      autoSelectFamily: true,
      lookup: resolvesTo('::1', '127.0.0.1', '127.0.0.2'),
    });
    const [error] = await once(socket, 'error');
    assert.ok(error instanceof AggregateError);
    return { code: error.code, errors: error.errors.map(comparable) };
  });

  parity('works below TLS', async (t, { net, tls, check }) => {
    const { key, cert } = certificate();
    const port = await listen(t, tls.createServer({ key, cert }));
    const socket = own(
      t,
      tls.connect({
        ...{ port, host: 'example.test', rejectUnauthorized: false, autoSelectFamily: true },
        lookup: resolvesTo('::1', '127.0.0.2', '127.0.0.1'),
      }),
    );
    await once(socket, 'secureConnect');
    check(socket);
    assert.ok(socket instanceof net.Socket);
    return { remote: socket.remoteAddress };
  });

  parity('continues after a timeout below TLS', async (t, { tls, check }) => {
    const { key, cert } = certificate();
    const silent = await silentServer(t, '127.0.0.2');
    const server = tls.createServer({ key, cert });
    t.after(() => server.close());
    await once(server.listen(silent, '127.0.0.1'), 'listening');
    const socket = own(
      t,
      tls.connect({
        ...{ port: silent, host: 'example.test', rejectUnauthorized: false },
        ...{ autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 50 },
        lookup: resolvesTo('127.0.0.2', '::1', '127.0.0.1'),
      }),
    );
    await once(socket, 'secureConnect');
    check(socket);
    return { remote: socket.remoteAddress };
  });
});

describe('connecting', () => {
  parity('uses localAddress, localPort and family', async (t, { net, check }) => {
    const server = net.createServer();
    const port = await listen(t, server);
    const free = NODE.net.createServer();
    const localPort = await listen(t, free, { host: '127.0.0.3' });
    await new Promise((resolve) => free.close(resolve));
    const socket = own(
      t,
      net.connect({ port, host: 'localhost', family: 4, localAddress: '127.0.0.3', localPort }),
    );
    const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
    own(t, peer);
    check(socket);
    check(peer);
    assert.equal(socket.localPort, localPort);
    assert.equal(peer.remotePort, localPort);
    const { localAddress, remoteAddress, remoteFamily } = socket;
    return { localAddress, remoteAddress, remoteFamily, seen: peer.remoteAddress };
  });

  parity('works over IPv6, with v4-mapped clients', async (t, { net, check }) => {
    const server = net.createServer();
    const port = await listen(t, server, { host: '::' });
    const seen = [];
    for (const host of ['::1', '127.0.0.1']) {
      const socket = own(t, net.connect({ port, host }));
      const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
      own(t, peer);
      check(socket);
      check(peer);
      seen.push([peer.remoteAddress, peer.remoteFamily, socket.remoteFamily]);
    }
    return seen;
  });

  parity('respects ipv6Only of the server', async (t, { net }) => {
    const port = await listen(t, net.createServer(), { host: '::', ipv6Only: true });
    const [error] = await once(net.connect(port, '127.0.0.1'), 'error');
    await once(own(t, net.connect(port, '::1')), 'connect');
    return comparable(error);
  });

  parity('accepts a synchronous lookup', async (t, { net, tls, check }) => {
    const { key, cert } = certificate();
    const lookup = (_name, { all }, callback) =>
      all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);
    const port = await listen(t, net.createServer());
    const socket = own(t, net.connect({ port, host: 'example.test', lookup }));
    await once(socket, 'connect');
    check(socket);
    const tlsPort = await listen(t, tls.createServer({ key, cert }));
    const secure = own(
      t,
      tls.connect({ port: tlsPort, host: 'example.test', lookup, rejectUnauthorized: false }),
    );
    await once(secure, 'secureConnect');
    check(secure);
    return socket.remoteAddress;
  });

  parity('fails with its lookup', async (t, { net }) => {
    const lookup = (_name, _options, callback) =>
      callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    const [error] = await once(net.connect({ port: 1, host: 'example.test', lookup }), 'error');
    return comparable(error);
  });

  parity('emits its events in order', async (t, { net }) => {
    const server = net.createServer((socket) => socket.end('x'));
    const port = await listen(t, server);
    const socket = net.connect(port, 'localhost');
    const emitted = [];
    for (const event of ['lookup', 'connect', 'ready', 'end', 'close', 'data', 'finish']) {
      socket.on(event, () => emitted.push(event));
    }
    assert.equal(connectionOf(socket).status, 'pending');
    await once(socket, 'close');
    return emitted.filter((event) => event !== 'lookup').concat(typeof emitted[0]);
  });

  parity('sends what was written before', async (t, { net }) => {
    const server = net.createServer();
    const port = await listen(t, server);
    const socket = own(t, net.connect(port, '127.0.0.1'));
    socket.write('before');
    socket.end(' and end');
    const [peer] = await once(server, 'connection');
    return text(peer);
  });

  parity('can be aborted by an AbortSignal', async (t, { net }) => {
    const port = await silentServer(t);
    const seen = [];
    const already = net.connect({ port, host: '127.0.0.1', signal: AbortSignal.abort() });
    seen.push(comparable((await once(already, 'error'))[0]));
    const aborter = new AbortController();
    const later = net.connect({ port, host: '127.0.0.1', signal: aborter.signal });
    setImmediate(() => aborter.abort());
    seen.push(comparable((await once(later, 'error'))[0]));
    seen.push(later.destroyed, later.connecting);
    return seen;
  });

  parity('emits timeout', async (t, { net }) => {
    const port = await silentServer(t);
    const socket = own(t, net.connect({ port, host: '127.0.0.1', timeout: 30 }));
    await once(socket, 'timeout');
    assert.equal(socket.connecting, true);
    socket.destroy(Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT' }));
    const [error] = await once(socket, 'error');
    return comparable(error);
  });

  parity('can be destroyed', async (t, { net }) => {
    const port = await silentServer(t);
    const socket = net.connect({ port, host: '127.0.0.1' });
    await new Promise(setImmediate);
    const closed = once(socket, 'close');
    socket.destroy();
    const { connecting, pending, destroyed } = socket;
    return { connecting, pending, destroyed, hadError: (await closed)[0] };
  });

  parity('works again after close', async (t, { net, check }) => {
    const server = net.createServer((socket) => socket.end());
    const port = await listen(t, server);
    const socket = own(t, new net.Socket());
    for (let round = 0; round < 3; ++round) {
      await once(socket.connect(port, '127.0.0.1'), 'connect');
      check(socket);
      await once(socket.resume(), 'close');
    }
    return { destroyed: socket.destroyed, pending: socket.pending };
  });

  parity('applies options that were set before', async (t, { net }) => {
    const port = await listen(t, net.createServer());
    const socket = own(t, new net.Socket());
    socket.setNoDelay(true).setKeepAlive(true, 5000);
    await once(socket.connect(port, '127.0.0.1'), 'connect');
    return [option(socket, 'TCP_NODELAY'), option(socket, 'SO_KEEPALIVE')];
  });

  parity('allows resetAndDestroy() afterwards', async (t, { net, check }) => {
    const { client, accepted } = await pair(t, {
      server: net.createServer(),
      connect: net.connect,
    });
    check(client);
    accepted.resetAndDestroy();
    const [error] = await once(client.resume(), 'error');
    return { ...comparable(error), destroyed: accepted.destroyed };
  });

  parity('can be reset by resetAndDestroy()', async (t, { net }) => {
    const server = net.createServer();
    const port = await listen(t, server);
    const socket = net.connect({ port, host: '127.0.0.1' });
    await new Promise(setImmediate);
    socket.resetAndDestroy();
    const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'close')]);
    return comparable((await once(peer.resume(), 'error'))[0]);
  });

  if (major >= 22) {
    parity('respects a blockList', async (t, { net }) => {
      const blockList = new net.BlockList();
      blockList.addAddress('127.0.0.1');
      const port = await listen(t, net.createServer());
      const [error] = await once(net.connect({ port, host: '127.0.0.1', blockList }), 'error');
      return comparable(error);
    });
  }
});

describe('a connection', () => {
  const connected = (t, net, options) =>
    pair(t, { server: net.createServer(options), connect: net.connect });

  parity(
    'may be half open: the server answers after the client has ended',
    async (t, { net, check }) => {
      const { client, accepted } = await connected(t, net, { allowHalfOpen: true });
      client.end('question');
      const [question] = await once(accepted.setEncoding('utf8'), 'data');
      await once(accepted, 'end');
      assert.equal(accepted.writable, true);
      check(accepted);
      accepted.end(`answer to ${question}`);
      return text(client);
    },
  );

  parity('ends by itself where half open is not allowed', async (t, { net }) => {
    const { client, accepted } = await connected(t, net);
    const ended = once(accepted.resume(), 'close');
    client.end();
    await Promise.all([ended, once(client.resume(), 'close')]);
    return [client.destroyed, accepted.destroyed, client.readyState];
  });

  parity('ends cleanly for the peer on destroy()', async (t, { net }) => {
    const { client, accepted } = await connected(t, net);
    const emitted = [];
    accepted.on('end', () => emitted.push('end')).on('error', ({ code }) => emitted.push(code));
    client.destroy();
    await once(accepted.resume(), 'close');
    return emitted;
  });

  parity('sends all written data before destroySoon()', async (t, { net }) => {
    const { client, accepted } = await connected(t, net);
    const received = text(accepted);
    client.write('x'.repeat(3_000_000));
    client.destroySoon();
    return (await received).length;
  });

  parity('has keepAlive and noDelay of the server', async (t, { net }) => {
    const { accepted } = await connected(t, net, {
      keepAlive: true,
      keepAliveInitialDelay: 7000,
      noDelay: true,
    });
    return ['SO_KEEPALIVE', 'TCP_KEEPIDLE', 'TCP_NODELAY'].map((name) => option(accepted, name));
  });

  parity('has keepAlive and noDelay of connect()', async (t, { net }) => {
    const port = await listen(t, net.createServer());
    const socket = own(
      t,
      net.connect({
        ...{ port, host: '127.0.0.1', noDelay: true },
        ...{ keepAlive: true, keepAliveInitialDelay: 9000 },
      }),
    );
    await once(socket, 'connect');
    const read = () =>
      ['SO_KEEPALIVE', 'TCP_KEEPIDLE', 'TCP_NODELAY'].map((name) => option(socket, name));
    const before = read();
    socket.setNoDelay(false).setKeepAlive(false);
    return [before, read()];
  });

  parity('reads nothing before resume() with pauseOnConnect', async (t, { net, check }) => {
    const { client, accepted } = await connected(t, net, { pauseOnConnect: true });
    await new Promise((resolve) => client.write('early', resolve));
    await new Promise(setImmediate);
    assert.equal(accepted.bytesRead, 0);
    check(accepted);
    const [data] = await once(accepted.setEncoding('utf8').resume(), 'data');
    return { data, isPaused: accepted.isPaused() };
  });

  parity('reads into the buffer of onread', async (t, { net, check }) => {
    const server = net.createServer((socket) => socket.end('into the buffer'));
    const port = await listen(t, server);
    const chunks = [];
    const socket = own(
      t,
      net.connect({
        ...{ port, host: '127.0.0.1' },
        onread: {
          buffer: Buffer.alloc(8),
          callback: (bytes, buffer) => chunks.push(buffer.toString('latin1', 0, bytes)),
        },
      }),
    );
    await once(socket, 'connect');
    check(socket);
    await once(socket, 'close');
    return chunks.join('');
  });

  parity('counts its bytes', async (t, { net }) => {
    const { client, accepted } = await connected(t, net);
    client.end('12345');
    await once(accepted.resume(), 'end');
    return [client.bytesWritten, accepted.bytesRead];
  });

  parity('emits timeout when idle', async (t, { net }) => {
    const { client } = await connected(t, net);
    client.setTimeout(20);
    await once(client, 'timeout');
    return client.destroyed;
  });

  parity('emits an error for a write after end', async (t, { net }) => {
    const { client } = await connected(t, net);
    client.end();
    client.write('late', () => undefined);
    return comparable((await once(client, 'error'))[0]);
  });
});

describe('a server', () => {
  parity('drops connections beyond maxConnections', async (t, { net }) => {
    const server = net.createServer();
    server.maxConnections = 1;
    const dropped = [];
    server.on('drop', ({ remoteAddress, remoteFamily, localAddress }) =>
      dropped.push({ remoteAddress, remoteFamily, localAddress }),
    );
    const { client, port } = await pair(t, { server, connect: net.connect });
    const second = own(t, net.connect(port, '127.0.0.1'));
    const [hadError] = await once(second.resume(), 'close');
    assert.equal(client.destroyed, false);
    return { dropped, hadError };
  });

  parity('counts its connections by getConnections()', async (t, { net }) => {
    const { server, client, accepted } = await pair(t, {
      server: net.createServer(),
      connect: net.connect,
    });
    const count = () =>
      new Promise((resolve) => server.getConnections((_error, number) => resolve(number)));
    const before = await count();
    client.destroy();
    await once(accepted.resume(), 'close');
    return [before, await count()];
  });

  parity('waits for its connections on close()', async (t, { net }) => {
    const { server, client, accepted } = await pair(t, {
      server: net.createServer(),
      connect: net.connect,
    });
    const closed = new Promise((resolve) => server.close(resolve));
    accepted.resume();
    const before = [server.listening, accepted.destroyed];
    client.end();
    await closed;
    return [before, accepted.destroyed];
  });

  parity('listens again after close', async (t, { net, check }) => {
    const server = net.createServer();
    for (let round = 0; round < 2; ++round) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = own(t, net.connect(server.address().port, '127.0.0.1'));
      const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
      check(socket);
      check(own(t, peer));
      socket.destroy();
      peer.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
    return server.listening;
  });

  parity('is closed by an AbortSignal', async (t, { net }) => {
    const aborter = new AbortController();
    const server = net.createServer();
    await listen(t, server, { signal: aborter.signal });
    const closed = once(server, 'close');
    aborter.abort();
    await closed;
    return server.listening;
  });

  parity('accepts all forms of listen(), and has an address()', async (t, { net }) => {
    const forms = [[], [0], [0, 'localhost'], [0, '::1', 5], [{ port: 0, backlog: 5 }], ['0']];
    const seen = [];
    for (const form of forms) {
      const server = net.createServer();
      await new Promise((resolve) => server.listen(...form, resolve));
      const { address, family } = server.address();
      seen.push({ address, family });
      await new Promise((resolve) => server.close(resolve));
    }
    return seen;
  });

  if (major >= 24) {
    parity('shares its port with another one by reusePort', async (t, { net, check }) => {
      const [first, second] = [net.createServer(), net.createServer()];
      const port = await listen(t, first, { reusePort: true });
      await listen(t, second, { port, reusePort: true });
      const socket = own(t, net.connect(port, '127.0.0.1'));
      await once(socket, 'connect');
      check(socket);
      return option(first, 'SO_REUSEPORT');
    });
  }

  parity('is closed by Symbol.asyncDispose', async (t, { net }) => {
    const server = net.createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    await server[Symbol.asyncDispose]();
    return server.listening;
  });
});
