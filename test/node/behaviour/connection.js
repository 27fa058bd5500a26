'use strict';

/** connectionOf(), enable() and mode 'require' over loopback. */

const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const { once } = require('node:events');
const { Duplex, PassThrough } = require('node:stream');
const { finished } = require('node:stream/promises');
const { text } = require('node:stream/consumers');
const { describe, it } = require('node:test');
const { connectionOf, enable } = require('mptcp');
const { NODE, OURS } = require('../support/parity');
const { NEEDS_MPTCP, SPOKEN, certificate, listen, own, pair } = require('../support/peers');

const { key, cert } = certificate();
const TRUSTING = { ca: cert, checkServerIdentity: () => undefined };

describe('connectionOf', () => {
  it('returns one and the same object for each net.Socket', async (t) => {
    const { client, accepted } = await pair(t);
    const connection = connectionOf(client);
    assert.equal(connectionOf(client), connection);
    assert.notEqual(connectionOf(accepted), connection);
    assert.equal(connection.status, SPOKEN);
    assert.equal(connectionOf(accepted).status, SPOKEN);
    assert.equal(connection.serverSide, false);
    assert.equal(connectionOf(accepted).serverSide, true);
  });

  it('has the token, and the subflow as seen from both ends', NEEDS_MPTCP, async (t) => {
    const { client, accepted } = await pair(t);
    const [local, remote] = [connectionOf(client), connectionOf(accepted)];
    assert.ok(local.token > 0);
    assert.equal(local.info().token, local.token);
    assert.notEqual(local.token, remote.token);
    const [subflow, ...more] = local.subflows();
    assert.deepEqual(more, []);
    assert.deepEqual(subflow.local, {
      address: client.localAddress,
      port: client.localPort,
      family: 'IPv4',
    });
    assert.equal(subflow.remote.port, client.remotePort);
    assert.equal(subflow.interface, 'lo');
    assert.equal(subflow.tcpInfo.state, 1);
    assert.deepEqual(remote.subflows()[0].remote, subflow.local);
  });

  it('knows its peer when the channel mptcp:connect has it', async (t) => {
    const seen = [];
    const note = ({ socket }) => {
      const { remoteAddress, remotePort, remoteFamily } = socket;
      seen.push({ remoteAddress, remotePort, remoteFamily });
    };
    diagnostics.subscribe('mptcp:connect', note);
    t.after(() => diagnostics.unsubscribe('mptcp:connect', note));
    const { client } = await pair(t);
    const { remoteAddress, remotePort, remoteFamily } = client;
    assert.deepEqual(seen, [{ remoteAddress, remotePort, remoteFamily }]);
    assert.ok(remotePort > 0);
  });

  it('is pending, then has the status of its protocol, which it keeps after the end', async (t) => {
    const server = OURS.net.createServer();
    const port = await listen(t, server);
    const socket = new OURS.net.Socket();
    const connection = connectionOf(socket);
    assert.equal(connection.status, 'pending');
    assert.equal(connection.token, undefined);
    assert.throws(() => connection.info(), { code: 'ERR_MPTCP_UNAVAILABLE' });
    assert.throws(() => connection.subflows(), { code: 'ERR_MPTCP_UNAVAILABLE' });
    socket.connect(port, '127.0.0.1');
    assert.equal(connection.status, 'pending');
    await once(socket, 'connect');
    assert.equal(connectionOf(socket), connection);
    const { status, token } = connection;
    assert.equal(status, SPOKEN);
    socket.destroy();
    await once(socket, 'close');
    assert.deepEqual([connection.status, connection.token], [status, token]);
    await once(socket.connect(port, '127.0.0.1'), 'connect');
    assert.equal(connectionOf(socket), connection);
    assert.equal(connection.status, SPOKEN);
    if (SPOKEN === 'mptcp') assert.equal(connection.token, connection.info().token);
    socket.destroy();
  });

  it('keeps its status and token after a reset', async (t) => {
    const { client, accepted } = await pair(t);
    const connection = connectionOf(accepted);
    const { status, token } = connection;
    accepted.resetAndDestroy();
    await once(client.resume(), 'error');
    assert.deepEqual([connection.status, connection.token], [status, token]);
  });

  it('has status unknown when connecting failed', async () => {
    const socket = OURS.net.connect(1, '127.0.0.1');
    const connection = connectionOf(socket);
    await once(socket, 'error');
    assert.equal(connection.status, 'unknown');
    assert.equal(connection.token, undefined);
  });

  for (const [ours, theirs, [client, server]] of [
    ['client and server', 'nobody', [SPOKEN, SPOKEN]],
    ['client', 'server', ['fallback', 'tcp']],
    ['server', 'client', ['tcp', 'fallback']],
    ['nobody', 'client and server', ['tcp', 'tcp']],
  ]) {
    it(`has the right status where ${ours} is ours and ${theirs} Node’s own`, async (t) => {
      const sides = await pair(t, {
        server: (ours.includes('server') ? OURS : NODE).net.createServer(),
        connect: (ours.includes('client') ? OURS : NODE).net.connect,
      });
      const [ofClient, ofServer] = [connectionOf(sides.client), connectionOf(sides.accepted)];
      assert.deepEqual([ofClient.status, ofServer.status], [client, server]);
      const port = sides.client.localPort;
      assert.equal(ofClient.subflows()[0].local.port, port);
      assert.equal(ofServer.subflows()[0].remote.port, port);
      if (client !== 'mptcp') {
        assert.throws(() => ofClient.info(), { code: 'ERR_MPTCP_FALLBACK' });
        assert.equal(ofClient.token, undefined);
      }
    });
  }

  it('accepts a TLSSocket of a client and of a server', async (t) => {
    const server = OURS.tls.createServer({ key, cert });
    const port = await listen(t, server);
    const client = own(t, OURS.tls.connect({ port, host: '127.0.0.1', ...TRUSTING }));
    const [[accepted]] = await Promise.all([
      once(server, 'secureConnection'),
      once(client, 'secureConnect'),
    ]);
    own(t, accepted);
    for (const socket of [client, accepted]) {
      assert.equal(connectionOf(socket).status, SPOKEN);
      assert.equal(connectionOf(socket), connectionOf(socket));
      assert.equal(connectionOf(socket).subflows().length, 1);
    }
    assert.deepEqual(
      [connectionOf(client).serverSide, connectionOf(accepted).serverSide],
      [false, true],
    );
    const connection = connectionOf(client);
    client.destroy();
    await once(client, 'close');
    assert.equal(connection.status, SPOKEN);
  });

  it('accepts a TLSSocket around a connected socket', async (t) => {
    const server = OURS.tls.createServer({ key, cert });
    const port = await listen(t, server);
    const socket = OURS.net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const secure = own(t, OURS.tls.connect({ socket, ...TRUSTING }));
    await once(secure, 'secureConnect');
    assert.equal(connectionOf(secure).status, SPOKEN);
    const connections = [connectionOf(secure), connectionOf(socket)];
    const [token, same] = connections.map((connection) => connection.token);
    assert.equal(token, same);
    secure.destroy();
    await once(socket, 'close');
    for (const connection of connections) {
      assert.deepEqual([connection.status, connection.token], [SPOKEN, token]);
    }
  });

  it('has status unknown for TLS over a JavaScript stream, which works', async (t) => {
    class Half extends Duplex {
      _read() {}
      _write(chunk, _encoding, callback) {
        this.other.push(chunk);
        callback();
      }
      _final(callback) {
        this.other.push(null);
        callback();
      }
    }
    const [near, far] = [new Half(), new Half()];
    [near.other, far.other] = [far, near];
    const server = OURS.tls.createServer({ key, cert });
    const accepting = once(server, 'secureConnection');
    server.emit('connection', far);
    const client = own(t, OURS.tls.connect({ socket: near, ...TRUSTING }));
    const [[accepted]] = await Promise.all([accepting, once(client, 'secureConnect')]);
    for (const socket of [client, accepted]) {
      assert.equal(connectionOf(socket).status, 'unknown');
      assert.equal(connectionOf(socket).token, undefined);
      assert.throws(() => connectionOf(socket).info(), { code: 'ERR_MPTCP_UNAVAILABLE' });
    }
    accepted.end('through a stream');
    assert.equal(await text(client), 'through a stream');
  });

  it('accepts IncomingMessage and ServerResponse, also after they are finished', async (t) => {
    const server = OURS.http.createServer();
    const port = await listen(t, server);
    const agent = new OURS.http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const request = OURS.http.get({ host: '127.0.0.1', port, agent });
    const [incoming, response] = await once(server, 'request');
    const connection = connectionOf(incoming);
    assert.equal(connection, connectionOf(incoming.socket));
    assert.equal(connection, connectionOf(response));
    assert.equal(connection.status, SPOKEN);
    assert.equal(connection.serverSide, true);
    response.end('x');
    await finished(response);
    assert.equal(connectionOf(response), connection);
    assert.equal(connectionOf(incoming), connection);
    const [answer] = await once(request, 'response');
    const mine = connectionOf(answer);
    assert.equal(mine, connectionOf(request));
    assert.equal(mine, connectionOf(request.socket));
    await text(answer);
    assert.equal(connectionOf(answer), mine);
    assert.equal(mine.status, SPOKEN);
  });

  for (const secure of [false, true]) {
    it(`accepts session, stream, request and response of HTTP/2 ${secure ? 'over TLS' : 'in clear'}`, async (t) => {
      const server = secure
        ? OURS.http2.createSecureServer({ key, cert })
        : OURS.http2.createServer();
      const port = await listen(t, server);
      const session = OURS.http2.connect(
        `${secure ? 'https' : 'http'}://127.0.0.1:${port}`,
        TRUSTING,
      );
      t.after(() => session.destroy());
      assert.equal(connectionOf(session).status, 'pending');
      const stream = session.request();
      const [request, response] = await once(server, 'request');
      const theirs = connectionOf(request);
      assert.equal(theirs, connectionOf(response));
      assert.equal(theirs, connectionOf(request.stream));
      assert.equal(theirs, connectionOf(request.stream.session));
      assert.equal(theirs, connectionOf(request.socket));
      assert.equal(theirs.status, SPOKEN);
      assert.equal(theirs.serverSide, true);
      const mine = connectionOf(session);
      assert.equal(mine, connectionOf(stream));
      assert.equal(mine, connectionOf(session.socket));
      assert.equal(mine.status, SPOKEN);
      response.end('x');
      await finished(response);
      assert.equal(connectionOf(response), theirs);
      assert.equal(await text(stream), 'x');
    });
  }

  it('throws a TypeError for anything else', () => {
    const wrong = [
      undefined,
      null,
      5,
      'socket',
      {},
      () => undefined,
      new PassThrough(),
      OURS.net.createServer(),
      { socket: null },
      { socket: {} },
      new OURS.http.Agent(),
      new Proxy({}, {}),
      Object.create(null),
    ];
    for (const value of wrong) {
      assert.throws(() => connectionOf(value), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    }
  });

  it('keeps neither the process alive nor the socket in memory', async (t) => {
    const port = await listen(
      t,
      OURS.net.createServer((socket) => socket.end()),
    );
    let collected = 0;
    const registry = new FinalizationRegistry(() => ++collected);
    await (async () => {
      for (let i = 0; i < 20; ++i) {
        const socket = OURS.net.connect(port, '127.0.0.1');
        registry.register(socket);
        connectionOf(socket);
        await once(socket.resume(), 'close');
      }
    })();
    const deadline = performance.now() + 30_000;
    while (collected < 15 && performance.now() < deadline) {
      global.gc();
      await new Promise(setImmediate);
    }
    assert.ok(collected >= 15, `${collected} of 20 were collected`);
  });
});

describe('enable', () => {
  it('returns the server or socket of Node that it was given, which then speaks MPTCP', async (t) => {
    const server = NODE.net.createServer();
    assert.equal(enable(server), server);
    const socket = new NODE.net.Socket();
    assert.equal(enable(socket, { mode: 'prefer' }), socket);
    const port = await listen(t, server);
    own(t, socket).connect(port, '127.0.0.1');
    const [[accepted]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
    own(t, accepted);
    assert.equal(connectionOf(socket).status, SPOKEN);
    assert.equal(connectionOf(accepted).status, SPOKEN);
  });

  for (const [name, make] of Object.entries({
    http: () => NODE.http.createServer((request, response) => response.end()),
    https: () => NODE.https.createServer({ key, cert }),
    tls: () => NODE.tls.createServer({ key, cert }),
    http2: () => NODE.http2.createServer(),
    'http2 over TLS': () => NODE.http2.createSecureServer({ key, cert }),
  })) {
    it(`makes a server of ${name} speak MPTCP`, async (t) => {
      const server = enable(make());
      const port = await listen(t, server);
      const socket = own(t, OURS.net.connect(port, '127.0.0.1'));
      await once(socket, 'connect');
      assert.equal(connectionOf(socket).status, SPOKEN);
    });
  }

  it('leaves other servers and sockets on TCP', async (t) => {
    enable(NODE.net.createServer());
    const { client, accepted } = await pair(t, {
      server: NODE.net.createServer(),
      connect: NODE.net.connect,
    });
    assert.equal(connectionOf(client).status, 'tcp');
    assert.equal(connectionOf(accepted).status, 'tcp');
  });

  it('undoes MPTCP with mode off', async (t) => {
    const server = enable(OURS.net.createServer(), { mode: 'off' });
    const { client, accepted } = await pair(t, { server });
    assert.equal(connectionOf(client).status, 'fallback');
    assert.equal(connectionOf(accepted).status, 'tcp');
  });

  it('throws for a server that listens and a socket that connects or is connected', async (t) => {
    const { server, client, accepted, port } = await pair(t, {
      server: NODE.net.createServer(),
      connect: NODE.net.connect,
    });
    const connecting = own(t, NODE.net.connect(port, '127.0.0.1'));
    for (const late of [server, client, accepted, connecting]) {
      assert.throws(() => enable(late), { code: 'ERR_INVALID_STATE' });
    }
    await once(connecting, 'connect');
  });

  it('checks its arguments', () => {
    const server = NODE.net.createServer();
    for (const wrong of [undefined, null, {}, 'server', new PassThrough()]) {
      assert.throws(() => enable(wrong), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    }
    for (const [options, code] of [
      [null, 'ERR_INVALID_ARG_TYPE'],
      ['require', 'ERR_INVALID_ARG_TYPE'],
      [{ mode: 'must' }, 'ERR_INVALID_ARG_VALUE'],
      [{ hints: 5 }, 'ERR_INVALID_ARG_TYPE'],
    ]) {
      assert.throws(() => enable(server, options), { name: 'TypeError', code });
    }
  });
});

describe('mode require', () => {
  const required = { mptcp: { mode: 'require' } };

  it('connects and serves where both sides have MPTCP', NEEDS_MPTCP, async (t) => {
    const { client, accepted } = await pair(t, {
      server: OURS.net.createServer(required),
      connect: (port, host) => OURS.net.connect({ port, host, ...required }),
    });
    assert.equal(connectionOf(client).status, 'mptcp');
    assert.equal(connectionOf(accepted).status, 'mptcp');
  });

  it('fails towards a TCP server, and sends it nothing', NEEDS_MPTCP, async (t) => {
    const received = [];
    const server = NODE.net.createServer((socket) =>
      socket.on('data', (data) => received.push(data)).on('error', () => undefined),
    );
    const port = await listen(t, server);
    for (const connect of [
      () => OURS.net.connect({ port, host: '127.0.0.1', ...required }),
      () => OURS.tls.connect({ port, host: '127.0.0.1', ...TRUSTING, ...required }),
      () => OURS.http.request({ port, host: '127.0.0.1', agent: false, ...required }),
      () => OURS.https.request({ port, host: '127.0.0.1', agent: false, ...TRUSTING, ...required }),
      () => OURS.http2.connect(`http://127.0.0.1:${port}`, required),
    ]) {
      const client = connect();
      client.on('connect', () => received.push('connected'));
      client.write?.('hello');
      const ended = new Promise((resolve) => client.on('close', resolve));
      const [error] = await once(client, 'error');
      assert.equal(error.code, 'ERR_MPTCP_FALLBACK');
      assert.equal(error.name, 'MptcpError');
      await ended;
    }
    assert.deepEqual(received, []);
  });

  it(
    'resets a TCP client before the server emits it, and publishes that',
    NEEDS_MPTCP,
    async (t) => {
      const rejected = [];
      const { subscribe, unsubscribe } = require('node:diagnostics_channel');
      const listener = (message) => rejected.push(message);
      subscribe('mptcp:rejected', listener);
      t.after(() => unsubscribe('mptcp:rejected', listener));
      const server = OURS.net.createServer(required, () =>
        assert.fail('a TCP client was accepted'),
      );
      const port = await listen(t, server);
      const client = NODE.net.connect(port, '127.0.0.1').resume();
      const [error] = await once(client, 'error');
      assert.equal(error.code, 'ECONNRESET');
      const [{ server: where, remoteAddress, remotePort, error: why }] = rejected;
      assert.equal(where, server);
      assert.equal(remoteAddress, '127.0.0.1');
      assert.equal(typeof remotePort, 'number');
      assert.equal(why.code, 'ERR_MPTCP_FALLBACK');
      assert.equal(await new Promise((resolve) => server.getConnections((_e, n) => resolve(n))), 0);
    },
  );

  it('lets Happy Eyeballs continue after an address that refuses', NEEDS_MPTCP, async (t) => {
    const port = await listen(t, OURS.net.createServer());
    const client = own(
      t,
      OURS.net.connect({
        ...{ port, host: 'example.test', autoSelectFamily: true, ...required },
        lookup: (_name, _options, callback) =>
          callback(null, [
            { address: '::1', family: 6 },
            { address: '127.0.0.1', family: 4 },
          ]),
      }),
    );
    await once(client, 'connect');
    assert.equal(connectionOf(client).status, 'mptcp');
  });
});
