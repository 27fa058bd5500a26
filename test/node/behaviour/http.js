'use strict';

/** http, https and http2 over MPTCP: requests, agents and servers behave as in Node. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { text } = require('node:stream/consumers');
const { connectionOf } = require('mptcp');
const http = require('mptcp/http');
const https = require('mptcp/https');
const { NODE, parity } = require('../support/parity');
const { SPOKEN, certificate, listen, own } = require('../support/peers');

const { key, cert } = certificate();
const TRUSTING = { ca: cert, checkServerIdentity: () => undefined };

/** The answer to a request, with the socket over which it arrived. */
async function answered(request) {
  const [response] = await once(request, 'response');
  const { socket } = request;
  return { body: await text(response), socket, status: response.statusCode };
}

const get = (module, ...args) => answered(module.get(...args));

/** Echoes method, URL, a header and the status of the connection. */
const echo = (request, response) =>
  response.end(
    `${request.method} ${request.url} ${request.headers['x-test'] ?? '-'} ${connectionOf(request).status}`,
  );

describe('request() and get() accept their arguments in every form', () => {
  for (const [name, module, scheme] of [
    ['http', http, 'http'],
    ['https', https, 'https'],
  ]) {
    it(name, async (t) => {
      const server =
        name === 'http' ? http.createServer(echo) : https.createServer({ key, cert }, echo);
      const port = await listen(t, server);
      const url = `${scheme}://127.0.0.1:${port}/path?q=1`;
      const secure = name === 'https' ? TRUSTING : {};
      const base = { host: '127.0.0.1', port, path: '/path?q=1', ...secure };
      const headers = { 'x-test': 'yes' };
      const own = new module.Agent();
      const forms = {
        'options, callback': (done) => module.request({ ...base, headers }, done),
        'URL text, options, callback': (done) => module.request(url, { headers, ...secure }, done),
        'URL, options, callback': (done) =>
          module.request(new URL(url), { headers, ...secure }, done),
        'agent: undefined': (done) => module.request({ ...base, headers, agent: undefined }, done),
        'agent: null': (done) => module.request({ ...base, headers, agent: null }, done),
        'agent: false': (done) => module.request({ ...base, headers, agent: false }, done),
        'agent of the app': (done) => module.request({ ...base, headers, agent: own }, done),
        'options without a prototype': (done) =>
          module.request(Object.assign(Object.create(null), base, { headers }), done),
      };
      for (const [form, make] of Object.entries(forms)) {
        let called = false;
        const request = make(() => (called = true));
        request.end();
        const { body } = await answered(request);
        assert.equal(body, `GET /path?q=1 yes ${SPOKEN}`, form);
        assert.ok(called, form);
      }
      if (name === 'http') {
        const { href, protocol, hostname, pathname, search } = new URL(url);
        const polyfill = new (class {
          get href() {
            return href;
          }
          protocol = protocol;
          hostname = hostname;
          pathname = pathname;
          search = search;
          port = port;
        })();
        for (const args of [[url], [new URL(url)], [url, undefined], [url, {}], [polyfill]]) {
          const { body } = await get(module, ...args);
          assert.equal(body, `GET /path?q=1 - ${SPOKEN}`);
        }
        const body = await new Promise((resolve) =>
          module.get(url, (response) => resolve(text(response))),
        );
        assert.equal(body, `GET /path?q=1 - ${SPOKEN}`);
      }
      own.destroy();
      module.globalAgent.destroy();
    });
  }

  it('do not change the options of the app', async (t) => {
    const port = await listen(t, http.createServer(echo));
    const options = Object.freeze({ host: '127.0.0.1', port, agent: false });
    assert.equal((await get(http, options)).status, 200);
  });

  it('http.ClientRequest is Node’s own and accepts our agent', async (t) => {
    const port = await listen(t, http.createServer(echo));
    const agent = new http.Agent();
    const request = new http.ClientRequest({ host: '127.0.0.1', port, agent });
    request.end();
    assert.match((await answered(request)).body, new RegExp(`${SPOKEN}$`));
    assert.ok(request instanceof NODE.http.ClientRequest);
  });
});

describe('the protocol of a request', () => {
  it('is that of the createConnection of the app', async (t) => {
    const port = await listen(t, http.createServer(echo));
    const { body } = await get(http, {
      createConnection: () => NODE.net.connect(port, '127.0.0.1'),
    });
    assert.equal(body, 'GET / - fallback');
  });

  it('is TCP with an agent of Node’s own', async (t) => {
    const port = await listen(t, http.createServer(echo));
    const agent = new NODE.http.Agent();
    const { body } = await get(http, { host: '127.0.0.1', port, agent });
    assert.equal(body, 'GET / - fallback');
  });

  it('is MPTCP with our agent in a request of Node’s own', async (t) => {
    const port = await listen(t, http.createServer(echo));
    const agent = new http.Agent();
    const { body } = await get(NODE.http, { host: '127.0.0.1', port, agent });
    assert.equal(body, `GET / - ${SPOKEN}`);
  });

  it('stays TCP for Node’s own requests', async (t) => {
    const port = await listen(t, http.createServer(echo));
    const { body } = await get(NODE.http, { host: '127.0.0.1', port });
    assert.equal(body, 'GET / - fallback');
    NODE.http.globalAgent.destroy();
  });

  for (const mptcp of [{ mode: 'off' }, false])
    it(`is TCP with mptcp: ${JSON.stringify(mptcp)} in the request or the agent`, async (t) => {
      const port = await listen(t, http.createServer(echo));
      const target = { host: '127.0.0.1', port };
      const off = new http.Agent({ mptcp });
      const seen = [
        await get(http, { ...target, mptcp }),
        await get(http, { ...target, agent: off }),
        await get(http, { ...target, agent: false, mptcp }),
        await get(http, { ...target, agent: off, mptcp: { mode: 'prefer' } }),
      ].map(({ body }) => body.split(' ').pop());
      assert.deepEqual(seen, Array(4).fill('fallback'));
      http.globalAgent.destroy();
    });

  it('decides which kept connection is reused', async (t) => {
    const port = await listen(t, http.createServer(echo));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const target = { host: '127.0.0.1', port, agent };
    const first = await get(http, target);
    for (const mptcp of [{ mode: 'off' }, false]) {
      const off = await get(http, { ...target, mptcp });
      const again = await get(http, target);
      assert.equal(again.socket, first.socket);
      assert.notEqual(off.socket, first.socket);
      assert.match(off.body, /fallback$/);
    }
  });
});

describe('agents', () => {
  parity('keep connections alive and reuse them', async (t, used) => {
    const server = used.http.createServer((_request, response) => response.end('x'));
    let connections = 0;
    server.on('connection', () => ++connections);
    const port = await listen(t, server);
    const agent = new used.http.Agent({ keepAlive: true, maxSockets: 2 });
    t.after(() => agent.destroy());
    const target = { host: '127.0.0.1', port, agent };
    const { socket } = await get(used.http, target);
    used.check(socket);
    await Promise.all(Array.from({ length: 6 }, () => get(used.http, target)));
    const reused = used.http.get(target);
    await answered(reused);
    return {
      connections,
      reusedSocket: reused.reusedSocket,
      free: Object.values(agent.freeSockets).map(({ length }) => length),
      name: Object.keys(agent.freeSockets)[0].replace(port, 'PORT'),
    };
  });

  parity('have the same getName()', (_t, used) => {
    const { http: plain, https: secure } = used;
    return [{}, { host: 'h', port: 1, localAddress: 'l', family: 6 }, { socketPath: '/s' }]
      .flatMap((options) => [
        new plain.Agent().getName(options),
        new secure.Agent().getName(options),
      ])
      .concat(new plain.Agent().getName());
  });

  parity('emit the events of their sockets', async (t, used) => {
    const port = await listen(
      t,
      used.http.createServer((_request, response) => response.end()),
    );
    const agent = new used.http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const freed = once(agent, 'free');
    const request = used.http.get({ host: '127.0.0.1', port, agent });
    const [socket] = await once(request, 'socket');
    (await once(request, 'response'))[0].resume();
    assert.equal((await freed)[0], socket);
    used.check(socket);
    const closed = once(socket, 'close');
    agent.destroy();
    await closed;
    return Object.keys(agent.freeSockets);
  });

  parity('resume TLS sessions of https', async (t, used) => {
    const server = used.https.createServer(
      { key, cert, maxVersion: 'TLSv1.2' },
      (request, response) => response.end(String(request.socket.isSessionReused())),
    );
    const port = await listen(t, server);
    const agent = new used.https.Agent({ ...TRUSTING, maxCachedSessions: 10 });
    const target = { host: '127.0.0.1', port, agent };
    return [(await get(used.https, target)).body, (await get(used.https, target)).body];
  });

  parity('apply their timeout, and let requests be aborted', async (t, used) => {
    const port = await listen(t, used.http.createServer());
    const agent = new used.http.Agent({ timeout: 30 });
    const slow = used.http.get({ host: '127.0.0.1', port, agent });
    await once(slow, 'timeout');
    const aborter = new AbortController();
    const aborted = used.http.get({ host: '127.0.0.1', port, agent, signal: aborter.signal });
    aborted.once('socket', () => setImmediate(() => aborter.abort()));
    const errors = Promise.all([once(slow, 'error'), once(aborted, 'error')]);
    slow.destroy();
    return (await errors).map(([{ name, code, message }]) => ({ name, code, message }));
  });
});

describe('servers', () => {
  parity('serve upgrade and CONNECT', async (t, used) => {
    const server = used.http.createServer();
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      socket.pipe(socket);
    });
    server.on('connect', (_request, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\ntunnel'));
    const port = await listen(t, server);
    const target = { host: '127.0.0.1', port };
    const upgrade = used.http.get({
      ...target,
      headers: { connection: 'Upgrade', upgrade: 'x' },
    });
    const [response, socket] = await once(upgrade, 'upgrade');
    own(t, socket);
    used.check(socket);
    socket.write('ping');
    const [pong] = await once(socket.setEncoding('utf8'), 'data');
    const connect = used.http.request({ ...target, method: 'CONNECT', path: 'a:1' }).end();
    const [, tunnel, head] = await once(connect, 'connect');
    return [response.statusCode, pong, head.toString() + (await text(tunnel))];
  });

  parity(
    'close connections by closeIdleConnections() and closeAllConnections()',
    async (t, used) => {
      const server = used.http.createServer((_request, response) => response.end());
      const port = await listen(t, server);
      const agent = new used.http.Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      const { socket } = await get(used.http, { host: '127.0.0.1', port, agent });
      const closed = once(socket, 'close');
      server.closeIdleConnections();
      await closed;
      const second = await get(used.http, { host: '127.0.0.1', port, agent });
      const ended = once(second.socket, 'close');
      server.closeAllConnections();
      await ended;
      return second.socket === socket;
    },
  );

  parity('emit clientError', async (t, used) => {
    const server = used.http.createServer();
    const port = await listen(t, server);
    const socket = own(t, used.net.connect(port, '127.0.0.1'));
    socket.write('nonsense\r\n\r\n');
    const [[error, peer], answer] = await Promise.all([
      once(server, 'clientError').then((args) => (args[1].end('HTTP/1.1 400 No\r\n\r\n'), args)),
      text(socket),
    ]);
    assert.ok(peer instanceof used.net.Socket);
    return [error.code, answer];
  });

  parity('notice a client that aborts in mid-request', async (t, used) => {
    const server = used.http.createServer();
    const port = await listen(t, server);
    const request = used.http.request({ host: '127.0.0.1', port, method: 'POST', agent: false });
    request.on('error', () => undefined);
    request.write('part');
    const [incoming, response] = await once(server, 'request');
    const closed = once(response, 'close');
    incoming.on('error', () => undefined);
    request.destroy();
    await closed;
    return [incoming.aborted, incoming.complete, response.writableFinished];
  });
});

describe('http2', () => {
  parity('has streams, trailers and push, and closes its sessions', async (t, used) => {
    const server = used.http2.createServer();
    server.on('stream', (stream, headers) => {
      if (headers[':path'] === '/push') {
        stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => {
          pushed.respond({ ':status': 200 });
          pushed.end('pushed');
        });
      }
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 'end' }));
      stream.end(`${headers[':method']} ${headers[':path']}`);
    });
    const port = await listen(t, server);
    const session = used.http2.connect(`http://127.0.0.1:${port}`);
    t.after(() => session.destroy());
    const pushed = once(session, 'stream').then(([stream]) => text(stream));
    const request = session.request({ ':path': '/push' });
    const trailers = once(request, 'trailers').then(([headers]) => headers['x-trailer']);
    const body = await text(request);
    const seen = [body, await pushed, await trailers, session.encrypted, session.alpnProtocol];
    await new Promise((resolve) => session.close(resolve));
    return seen;
  });

  parity('uses the createConnection of the app', async (t, used) => {
    const server = used.http2.createServer((_request, response) => response.end('h2'));
    const port = await listen(t, server);
    const socket = used.net.connect(port, '127.0.0.1');
    const session = used.http2.connect('http://example.test', { createConnection: () => socket });
    t.after(() => session.destroy());
    const body = await text(session.request());
    used.check(socket);
    return body;
  });

  parity('serves HTTP/1 clients by a secure server, and negotiates by ALPN', async (t, used) => {
    const server = used.http2.createSecureServer(
      { key, cert, allowHTTP1: true },
      (request, response) => response.end(`${request.httpVersion}`),
    );
    const port = await listen(t, server);
    const session = used.http2.connect(`https://127.0.0.1:${port}`, TRUSTING);
    t.after(() => session.destroy());
    const bodies = [await text(session.request())];
    const { body, socket } = await get(used.https, {
      ...{ host: '127.0.0.1', port, agent: false, ...TRUSTING },
    });
    used.check(socket);
    return [...bodies, body, session.alpnProtocol];
  });
});
