'use strict';

/** The drop-in modules: their names, classes, factories and argument checks. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { promisify, inherits } = require('node:util');
const { connectionOf } = require('mptcp');
const { SPOKEN, certificate, listen, own } = require('../support/peers');

const MODULES = ['net', 'tls', 'http', 'https', 'http2'];

const node = Object.fromEntries(MODULES.map((name) => [name, require(`node:${name}`)]));
const ours = Object.fromEntries(MODULES.map((name) => [name, require(`mptcp/${name}`)]));

/** The exports that this package replaces; all others are Node's own. */
const OWN = {
  net: ['Server', 'Socket', 'Stream', 'connect', 'createConnection', 'createServer'],
  tls: ['Server', 'connect', 'createServer'],
  http: ['Agent', 'Server', 'createServer', 'get', 'globalAgent', 'request'],
  https: ['Agent', 'Server', 'createServer', 'get', 'globalAgent', 'request'],
  http2: ['connect', 'createSecureServer', 'createServer'],
};

describe('the drop-in modules', () => {
  for (const name of MODULES) {
    it(`require('mptcp/${name}') has the names of node:${name}`, () => {
      assert.deepEqual(Object.keys(ours[name]).sort(), Object.keys(node[name]).sort());
    });

    it(`import 'mptcp/${name}' has the names of node:${name}, and a default export`, async () => {
      const [imported, original] = await Promise.all([
        import(`mptcp/${name}`),
        import(`node:${name}`),
      ]);
      assert.deepEqual(Object.keys(imported).sort(), Object.keys(original).sort());
      assert.equal(imported.default, ours[name]);
      for (const key of OWN[name]) assert.equal(imported[key], ours[name][key], key);
    });

    it(`mptcp/${name} replaces only what connects and listens`, () => {
      const changed = Object.keys(node[name]).filter((key) => ours[name][key] !== node[name][key]);
      assert.deepEqual(changed.sort(), OWN[name]);
    });
  }

  it('net.Stream is net.Socket, and net.createConnection is net.connect', () => {
    assert.equal(ours.net.Stream, ours.net.Socket);
    assert.equal(ours.net.createConnection, ours.net.connect);
  });
});

/** Calls `scenario` and then restores a property as it was. */
function restoring(object, key, scenario) {
  const before = Object.getOwnPropertyDescriptor(object, key);
  const value = object[key];
  try {
    scenario();
  } finally {
    if (before.configurable) Object.defineProperty(object, key, before);
    object[key] = value;
  }
  assert.deepEqual(Object.getOwnPropertyDescriptor(object, key), before);
}

const isWritable = ({ writable, set }) => Boolean(writable || set);

describe('a property of a drop-in module', () => {
  for (const name of MODULES) {
    const [theirs, door] = [node[name], ours[name]];
    const others = Reflect.ownKeys(theirs).filter((key) => !OWN[name].includes(key));
    const descriptor = (key) => Object.getOwnPropertyDescriptor(theirs, key);

    it(`mptcp/${name} forwards reads and writes to node:${name}`, () => {
      for (const key of others.filter((each) => isWritable(descriptor(each)))) {
        for (const [written, read] of [
          [door, theirs],
          [theirs, door],
        ]) {
          restoring(theirs, key, () => {
            const value = `set by a test of ${String(key)}`;
            written[key] = value;
            assert.equal(read[key], value, String(key));
            assert.equal(written[key], value, String(key));
          });
        }
      }
    });

    it(`mptcp/${name} refuses to assign what node:${name} refuses`, () => {
      for (const key of others.filter((each) => !isWritable(descriptor(each)))) {
        const before = theirs[key];
        for (const module of [theirs, door]) {
          assert.throws(() => (module[key] = 'set by a test'), TypeError, String(key));
          assert.equal(module[key], before);
        }
      }
    });

    it(`mptcp/${name} keeps what is assigned to its own exports from node:${name}`, () => {
      for (const key of OWN[name]) {
        const [before, value] = [theirs[key], () => undefined];
        restoring(door, key, () => {
          door[key] = value;
          assert.equal(door[key], value, key);
          assert.equal(theirs[key], before, key);
        });
      }
    });

    it(`mptcp/${name} shows functions as node:${name} does, so that tests can stub them`, () => {
      for (const key of Object.keys(theirs)) {
        if (!('value' in descriptor(key)) || typeof theirs[key] !== 'function') continue;
        const { value, ...rest } = Object.getOwnPropertyDescriptor(door, key);
        assert.equal(value, door[key], key);
        assert.deepEqual(rest, { writable: true, enumerable: true, configurable: true }, key);
        restoring(door, key, () => {
          const stub = () => key;
          Object.defineProperty(door, key, { ...rest, value: stub }); // as sinon does
          assert.equal(door[key], stub, key);
          assert.equal(require(`mptcp/${name}`)[key], stub, key);
        });
        assert.equal(door[key], value, key);
      }
    });
  }

  it('tls.DEFAULT_MIN_VERSION applies to the servers of mptcp/tls', async (t) => {
    const before = ours.tls.DEFAULT_MIN_VERSION;
    t.after(() => (ours.tls.DEFAULT_MIN_VERSION = before));
    ours.tls.DEFAULT_MIN_VERSION = 'TLSv1.3';
    const server = ours.tls.createServer(certificate());
    const port = await listen(t, server);
    const client = ours.tls.connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    });
    const [error] = await once(client, 'error');
    assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });
});

describe('the default export in CommonJS', () => {
  for (const name of MODULES) {
    it(`of mptcp/${name} is the module, and no key of it`, () => {
      assert.equal(ours[name].default, ours[name]);
      assert.equal(ours[name].__esModule, true);
      assert.ok(!Object.keys({ ...ours[name] }).includes('default'));
    });
  }
});

describe('globalAgent', () => {
  for (const name of ['http', 'https']) {
    it(`of mptcp/${name} is our own, with the options of Node's`, () => {
      const { globalAgent, Agent } = ours[name];
      assert.notEqual(globalAgent, node[name].globalAgent);
      assert.ok(globalAgent instanceof Agent);
      for (const key of [
        'keepAlive',
        'scheduling',
        'maxSockets',
        'maxFreeSockets',
        'defaultPort',
      ]) {
        assert.equal(globalAgent[key], node[name].globalAgent[key], key);
      }
      assert.equal(globalAgent.options.timeout, node[name].globalAgent.options.timeout);
    });
  }

  it('can be assigned by the app, which leaves Node’s own unchanged', async (t) => {
    const port = await listen(
      t,
      ours.http.createServer((_request, response) => response.end('hi')),
    );
    const [before, nodes] = [ours.http.globalAgent, node.http.globalAgent];
    const agent = new ours.http.Agent({ keepAlive: true });
    t.after(() => {
      ours.http.globalAgent = before;
      agent.destroy();
    });
    ours.http.globalAgent = agent;
    const request = ours.http.get({ port, host: '127.0.0.1' });
    const [response] = await once(request, 'response');
    await once(response.resume(), 'end');
    assert.equal(request.agent, agent);
    assert.equal(Object.keys(agent.freeSockets).length + Object.keys(agent.sockets).length, 1);
    assert.equal(node.http.globalAgent, nodes);
    assert.equal(ours.http.globalAgent, agent);
  });
});

describe('classes', () => {
  it('are instances of Node’s classes and the reverse', () => {
    const tlsOptions = certificate();
    for (const [object, module, name] of [
      [new ours.net.Socket(), 'net', 'Socket'],
      [new ours.net.Server(), 'net', 'Server'],
      [ours.net.createServer(), 'net', 'Server'],
      [ours.tls.createServer(tlsOptions), 'tls', 'Server'],
      [ours.http.createServer(), 'http', 'Server'],
      [ours.https.createServer(tlsOptions), 'https', 'Server'],
      [new ours.http.Agent(), 'http', 'Agent'],
      [new ours.https.Agent(), 'https', 'Agent'],
    ]) {
      assert.ok(object instanceof ours[module][name], `ours ${name}`);
      assert.ok(object instanceof node[module][name], `Node's ${name}`);
    }
    assert.ok(new node.net.Socket() instanceof ours.net.Socket);
    assert.ok(new node.net.Server() instanceof ours.net.Server);
    assert.ok(new node.http.Server() instanceof ours.http.Server);
    assert.ok(ours.http.createServer() instanceof ours.net.Server);
  });

  it('work without new', () => {
    assert.ok(ours.net.Socket() instanceof node.net.Socket);
    assert.ok(ours.net.Server() instanceof node.net.Server);
    assert.ok(ours.tls.Server(certificate()) instanceof node.tls.Server);
    assert.ok(ours.http.Server() instanceof node.http.Server);
    assert.ok(ours.https.Server(certificate()) instanceof node.https.Server);
    assert.ok(ours.http.Agent() instanceof node.http.Agent);
    assert.ok(ours.https.Agent() instanceof node.https.Agent);
  });

  class ClassSocket extends ours.net.Socket {
    constructor(options) {
      super(options);
      this.mine = true;
    }
  }
  class ClassServer extends ours.net.Server {}
  function OldSocket(options) {
    ours.net.Socket.call(this, options);
    this.mine = true;
  }
  inherits(OldSocket, ours.net.Socket);
  function OldServer(...args) {
    ours.net.Server.apply(this, args);
  }
  inherits(OldServer, ours.net.Server);

  for (const [style, Socket, Server] of [
    ['class … extends', ClassSocket, ClassServer],
    ['util.inherits', OldSocket, OldServer],
  ]) {
    it(`speak MPTCP when subclassed by ${style}`, async (t) => {
      const server = new Server((socket) => socket.end(connectionOf(socket).status));
      const port = await listen(t, server);
      const socket = own(t, new Socket({ allowHalfOpen: true }));
      assert.ok(socket instanceof Socket && socket.mine && socket.allowHalfOpen);
      await once(socket.connect(port, '127.0.0.1'), 'connect');
      assert.equal(connectionOf(socket).status, SPOKEN);
      const [peerStatus] = await once(socket.setEncoding('utf8'), 'data');
      assert.equal(peerStatus, SPOKEN);
    });
  }

  it('speak MPTCP when http.Server and http.Agent are subclassed', async (t) => {
    class Server extends ours.http.Server {}
    class Agent extends ours.http.Agent {
      createConnection(...args) {
        this.made = (this.made ?? 0) + 1;
        return super.createConnection(...args);
      }
    }
    const server = new Server((request, response) => response.end(connectionOf(request).status));
    const port = await listen(t, server);
    const agent = new Agent();
    const [response] = await once(
      ours.http.get({ port, host: '127.0.0.1', agent, headers: { connection: 'close' } }),
      'response',
    );
    const [status] = await once(response.setEncoding('utf8'), 'data');
    assert.equal(status, SPOKEN);
    assert.equal(agent.made, 1);
  });
});

describe('factories', () => {
  it('pass their listeners on', async (t) => {
    const emitted = [];
    const server = ours.net.createServer({ allowHalfOpen: true }, () => emitted.push('connection'));
    assert.equal(server.allowHalfOpen, true);
    const port = await listen(t, server);
    const socket = own(
      t,
      ours.net.connect(port, '127.0.0.1', () => emitted.push('connect')),
    );
    await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
    assert.deepEqual(emitted.sort(), ['connect', 'connection']);
  });

  it('of tls, https and http2 make servers and clients that speak MPTCP', async (t) => {
    const { key, cert } = certificate();
    const answer = (request, response) => response.end(connectionOf(request).status);
    const tlsPort = await listen(
      t,
      ours.tls.createServer({ key, cert }, (socket) => socket.end(connectionOf(socket).status)),
    );
    const trusting = { host: '127.0.0.1', ca: cert, checkServerIdentity: () => undefined };
    const tlsSocket = own(t, ours.tls.connect({ port: tlsPort, ...trusting }));
    await once(tlsSocket, 'secureConnect');
    assert.equal(connectionOf(tlsSocket).status, SPOKEN);
    assert.equal((await once(tlsSocket.setEncoding('utf8'), 'data'))[0], SPOKEN);

    const httpsPort = await listen(t, ours.https.createServer({ key, cert }, answer));
    const request = ours.https.get({ port: httpsPort, agent: false, ...trusting });
    const [response] = await once(request, 'response');
    assert.equal((await once(response.setEncoding('utf8'), 'data'))[0], SPOKEN);

    for (const [server, scheme] of [
      [ours.http2.createServer(answer), 'http'],
      [ours.http2.createSecureServer({ key, cert }, answer), 'https'],
    ]) {
      const port = await listen(t, server);
      const session = await promisify(ours.http2.connect)(
        `${scheme}://127.0.0.1:${port}`,
        trusting,
      );
      t.after(() => session.destroy());
      assert.equal(connectionOf(session).status, SPOKEN);
      assert.equal((await once(session.request().setEncoding('utf8'), 'data'))[0], SPOKEN);
    }
  });

  it('support util.promisify(http2.connect), which rejects as Node’s does', async () => {
    const refused = (module) => promisify(module.connect)('http://127.0.0.1:1');
    const [mine, nodes] = await Promise.allSettled([refused(ours.http2), refused(node.http2)]);
    assert.equal(mine.status, 'rejected');
    assert.equal(mine.reason.code, 'ECONNREFUSED');
    assert.equal(mine.reason.message, nodes.reason.message);
  });
});

describe('the option mptcp is validated before any effect, by', () => {
  const tlsOptions = certificate();
  const WAYS = {
    'net.connect': (mptcp) => ours.net.connect({ port: 1, mptcp }),
    'net.Socket': (mptcp) => new ours.net.Socket({ mptcp }),
    'socket.connect': (mptcp) => new ours.net.Socket().connect({ port: 1, mptcp }),
    'net.createServer': (mptcp) => ours.net.createServer({ mptcp }),
    'net.Server': (mptcp) => new ours.net.Server({ mptcp }),
    'tls.connect': (mptcp) => ours.tls.connect({ port: 1, mptcp }),
    'tls.createServer': (mptcp) => ours.tls.createServer({ ...tlsOptions, mptcp }),
    'http.createServer': (mptcp) => ours.http.createServer({ mptcp }),
    'http.Agent': (mptcp) => new ours.http.Agent({ mptcp }),
    'http.request': (mptcp) => ours.http.request({ port: 1, mptcp }),
    'http.request with a URL': (mptcp) => ours.http.request('http://127.0.0.1:1', { mptcp }),
    'https.createServer': (mptcp) => ours.https.createServer({ ...tlsOptions, mptcp }),
    'https.Agent': (mptcp) => new ours.https.Agent({ mptcp }),
    'https.request': (mptcp) => ours.https.request({ port: 1, mptcp }),
    'http2.connect': (mptcp) => ours.http2.connect('http://127.0.0.1:1', { mptcp }),
    'http2.createServer': (mptcp) => ours.http2.createServer({ mptcp }),
    'http2.createSecureServer': (mptcp) => ours.http2.createSecureServer({ ...tlsOptions, mptcp }),
  };
  const WRONG = [
    ['on', 'ERR_INVALID_ARG_TYPE', /options\.mptcp"/],
    [null, 'ERR_INVALID_ARG_TYPE', /options\.mptcp"/],
    [{ mode: 1 }, 'ERR_INVALID_ARG_TYPE', /options\.mptcp\.mode/],
    [{ mode: 'on' }, 'ERR_INVALID_ARG_VALUE', /options\.mptcp\.mode.*'prefer'.*'on'/],
    [{ hints: 'fast' }, 'ERR_INVALID_ARG_TYPE', /options\.mptcp\.hints/],
    [{ hints: { congestionControl: 7 } }, 'ERR_INVALID_ARG_TYPE', /congestionControl/],
    [
      { hints: { congestionControl: 'x'.repeat(16) } },
      'ERR_INVALID_ARG_VALUE',
      /congestionControl/,
    ],
  ];
  for (const [way, give] of Object.entries(WAYS)) {
    it(way, () => {
      for (const [mptcp, code, message] of WRONG) {
        assert.throws(() => give(mptcp), { name: 'TypeError', code, message });
      }
    });
  }
});
