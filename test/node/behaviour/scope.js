'use strict';

/** withMptcp(): MPTCP for code that takes neither an agent nor a connector; enable() for agents. */

const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const { describe, it } = require('node:test');
const { setImmediate: turn, setTimeout: delay } = require('node:timers/promises');
const { connectionOf, enable, withMptcp } = require('mptcp');
const mnet = require('mptcp/net');
const { NEEDS_MPTCP, SPOKEN, certificate, listen, own } = require('../support/peers');

const statusOf = (socket) => connectionOf(socket).status;

/** Connects by node:net; returns the status of the connection. */
async function connect(t, port, options = {}) {
  const socket = own(t, net.connect({ port, host: '127.0.0.1', ...options }));
  await once(socket, 'connect');
  return statusOf(socket);
}

/** Requests by an agent; returns the status of the connection. */
async function get(module, port, agent) {
  const options = { port, host: '127.0.0.1', agent, rejectUnauthorized: false };
  const [response] = await once(module.get(options), 'response');
  const status = statusOf(response.socket);
  await response.resume().toArray();
  return status;
}

describe('withMptcp()', () => {
  it('returns what its callback returns, and throws what it throws', async () => {
    assert.equal(
      withMptcp({}, () => 7),
      7,
    );
    assert.equal(await withMptcp({}, async () => 8), 8);
    const error = new Error('thrown');
    const fail = () => {
      throw error;
    };
    assert.throws(() => withMptcp({}, fail), error);
  });

  it('reaches connections, also after promises and timers, and none outside', async (t) => {
    const port = await listen(t, mnet.createServer());
    const inside = withMptcp({}, async () => {
      const first = await connect(t, port);
      await turn();
      await delay(5);
      return [first, await connect(t, port), await connect(t, port, { host: 'localhost' })];
    });
    const outside = connect(t, port);
    assert.deepEqual(await inside, [SPOKEN, SPOKEN, SPOKEN]);
    assert.deepEqual([await outside, await connect(t, port)], ['tcp', 'tcp']);
  });

  it('takes true and false, as the option mptcp does', async (t) => {
    const port = await listen(t, mnet.createServer());
    const dial = (mptcp) => withMptcp(mptcp, () => connect(t, port));
    assert.deepEqual([await dial(true), await dial(false)], [SPOKEN, 'tcp']);
    const sockets = [true, false].map((mptcp) =>
      own(t, mnet.connect({ port, host: '127.0.0.1', mptcp })),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    assert.deepEqual(sockets.map(statusOf), [SPOKEN, 'tcp']);
    assert.throws(() => mnet.connect({ port, mptcp: 'prefer' }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /"options.mptcp".* an object or a boolean/,
    });
  });

  it('reaches servers that listen inside', async (t) => {
    const server = net.createServer();
    const port = await withMptcp({}, () => listen(t, server));
    const accepting = once(server, 'connection');
    const client = own(t, mnet.connect(port, '127.0.0.1'));
    const [[accepted]] = await Promise.all([accepting, once(client, 'connect')]);
    assert.equal(statusOf(own(t, accepted)), SPOKEN);
    assert.equal(statusOf(client), SPOKEN);
  });

  it('can be nested, and gives way to the option mptcp', async (t) => {
    const port = await listen(t, mnet.createServer());
    await withMptcp({}, async () => {
      assert.equal(await withMptcp({ mode: 'off' }, () => connect(t, port)), 'tcp');
      assert.equal(await connect(t, port), SPOKEN);
      const off = own(t, mnet.connect({ port, host: '127.0.0.1', mptcp: { mode: 'off' } }));
      await once(off, 'connect');
      assert.equal(statusOf(off), 'tcp');
    });
  });

  it('requires MPTCP of connections, also of those of mptcp/net', NEEDS_MPTCP, async (t) => {
    const port = await listen(t, net.createServer());
    for (const { connect: dial } of [net, mnet]) {
      const socket = withMptcp({ mptcp: { mode: 'require' } }, () => dial(port, '127.0.0.1'));
      const [error] = await once(own(t, socket), 'error');
      assert.equal(error.code, 'ERR_MPTCP_FALLBACK');
    }
  });

  it('reaches fetch(), whose socket undici publishes', async (t) => {
    const port = await listen(
      t,
      enable(http.createServer((_request, response) => response.end('ok'))),
    );
    const connected = [];
    const note = ({ socket, connectParams }) =>
      connected.push([connectParams.host, statusOf(own(t, socket))]);
    diagnostics.subscribe('undici:client:connected', note);
    t.after(() => diagnostics.unsubscribe('undici:client:connected', note));
    const headers = { connection: 'close' };
    const response = await withMptcp({}, () => fetch(`http://127.0.0.1:${port}`, { headers }));
    assert.equal(await response.text(), 'ok');
    assert.deepEqual(connected, [[`127.0.0.1:${port}`, SPOKEN]]);
  });

  it('refuses wrong arguments', () => {
    assert.throws(() => withMptcp({ mod: 'require' }, () => 0), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /did you mean 'mode'|options\.mode/,
    });
    assert.throws(() => withMptcp({}), { code: 'ERR_INVALID_ARG_TYPE', message: /callback/ });
  });
});

describe('enable() of an agent', () => {
  const answer = (_request, response) => response.end('ok');
  for (const [name, module, create] of [
    ['http', http, () => http.createServer(answer)],
    ['https', https, () => https.createServer(certificate(), answer)],
  ]) {
    it(`makes the connections of an ${name}.Agent MPTCP`, async (t) => {
      const port = await listen(t, enable(create()));
      const agent = new module.Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      assert.equal(enable(agent), agent);
      assert.equal(await get(module, port, agent), SPOKEN);
      assert.equal(await get(module, port, new module.Agent()), 'tcp');
      assert.throws(() => enable(agent), { code: 'ERR_INVALID_STATE' });
    });
  }

  it('requires MPTCP of its connections', NEEDS_MPTCP, async (t) => {
    const port = await listen(t, http.createServer(answer));
    const agent = enable(new http.Agent(), { mode: 'require' });
    await assert.rejects(get(http, port, agent), { code: 'ERR_MPTCP_FALLBACK' });
  });

  it('reaches agents that connect later, as proxy agents do', async (t) => {
    class Later extends http.Agent {
      createSocket(request, options, callback) {
        turn().then(() => callback(null, net.connect(options.port, '127.0.0.1')));
      }
    }
    const port = await listen(t, enable(http.createServer(answer)));
    assert.equal(await get(http, port, enable(new Later())), SPOKEN);
    assert.equal(await get(http, port, new Later()), 'tcp');
  });

  it('refuses what is neither a server, a socket nor an agent', () => {
    for (const wrong of [{}, { createConnection: () => 0 }, null, 7])
      assert.throws(() => enable(wrong), { code: 'ERR_INVALID_ARG_TYPE', message: /agent/i });
  });
});
