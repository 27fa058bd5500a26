'use strict';

/** The preload mptcp/register and its options in NODE_MPTCP. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { NEEDS_MPTCP } = require('../support/peers');
const { program } = require('../support/program');

const [TCP, MPTCP] = [6, 262];
const ALL = { protocol: MPTCP, listener: MPTCP, client: 'mptcp', server: 'mptcp', fetch: 'mptcp' };
const NONE = { protocol: TCP, listener: TCP, client: 'tcp', server: 'tcp', fetch: 'tcp' };

/** Runs the app, and returns the one value that it prints. */
async function found(input, options) {
  const { code, printed, stderr } = await program('app.js', input, options);
  assert.equal(code, 0, stderr);
  assert.equal(printed.length, 1, JSON.stringify(printed));
  return printed[0];
}

const preloaded = (NODE_MPTCP, options = '--require mptcp/register') => ({
  env: { NODE_OPTIONS: options, NODE_MPTCP },
});

async function freePort() {
  const server = net.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const CONCURRENT = { ...NEEDS_MPTCP, concurrency: 3 };

describe('the preload', CONCURRENT, () => {
  it('is needed: without it the app speaks TCP', async () => {
    assert.deepEqual(await found({}), NONE);
  });

  for (const flag of ['--require', '--import']) {
    it(`works as node ${flag} mptcp/register`, async () => {
      assert.deepEqual(await found({}, { args: [flag, 'mptcp/register'] }), ALL);
    });

    it(`works as NODE_OPTIONS="${flag} mptcp/register"`, async () => {
      assert.deepEqual(await found({}, preloaded('', `${flag} mptcp/register`)), ALL);
    });
  }

  it('works with both flags at once', async () => {
    const flags = '--require mptcp/register --import mptcp/register';
    assert.deepEqual(await found({}, preloaded('', flags)), ALL);
  });

  for (const where of ['fork', 'spawn', 'fork without flags', 'worker', 'worker without flags']) {
    it(`is inherited by NODE_OPTIONS, with NODE_MPTCP: ${where}`, async () => {
      assert.deepEqual(await found({ in: where }, preloaded('')), ALL);
      assert.deepEqual(await found({ in: where }, preloaded('mode=off')), NONE);
    });
  }

  for (const where of ['fork', 'worker']) {
    it(`is inherited by --import: ${where}`, async () => {
      assert.deepEqual(await found({ in: where }, { args: ['--import', 'mptcp/register'] }), ALL);
    });
  }
});

describe('NODE_MPTCP', CONCURRENT, () => {
  const CLIENT_ONLY = { ...NONE, protocol: MPTCP };
  const SERVER_ONLY = { ...NONE, listener: MPTCP };

  for (const [text, expected] of [
    ['', ALL],
    ['   ', ALL],
    ['mode=prefer', ALL],
    ['mode=require', ALL],
    ['mode=off', NONE],
    ['connect=off', SERVER_ONLY],
    ['listen=off', CLIENT_ONLY],
    ['mode=off connect=prefer', CLIENT_ONLY],
    ['mode=off listen=prefer', SERVER_ONLY],
    ['mode=require connect=off listen=off', NONE],
    ['exclude=127.0.0.1', NONE],
    ['exclude=127.0.0.0/8', NONE],
    ['exclude=10.0.0.0/8,192.0.2.1,[2001:db8::]:443', ALL],
    ['exclude=127.0.0.2,127.0.0.0/31', NONE],
    ['exclude=::1', ALL],
  ]) {
    it(`applies '${text}'`, async () => {
      assert.deepEqual(await found({}, preloaded(text)), expected);
    });
  }

  it('excludes the remote port of clients and the local port of servers', async () => {
    const port = await freePort();
    for (const exclude of [`:${port}`, `127.0.0.1:${port}`, `127.0.0.0/8:${port}`]) {
      // fetch uses another port.
      assert.deepEqual(await found({ port }, preloaded(`exclude=${exclude}`)), {
        ...NONE,
        fetch: 'mptcp',
      });
    }
    assert.deepEqual(await found({ port }, preloaded(`exclude=:${port === 80 ? 81 : 80}`)), ALL);
  });

  it('excludes clients with a localAddress, by address and by name', async () => {
    for (const connect of [
      { localAddress: '127.0.0.1' },
      { localAddress: '127.0.0.1', host: 'localhost', family: 4 },
    ]) {
      assert.deepEqual(await found({ connect }, preloaded('exclude=127.0.0.1')), NONE);
    }
    // An address that is not excluded uses MPTCP; a name might resolve to an excluded one: TCP.
    const local = { localAddress: '127.0.0.1' };
    assert.deepEqual(await found({ connect: local }, preloaded('exclude=10.0.0.1')), ALL);
    assert.deepEqual(await found({ connect: local }, preloaded('')), ALL);
  });

  it('excludes the v4-mapped form of an address', async () => {
    assert.equal(
      (await found({ connect: { host: '::ffff:127.0.0.1' } }, preloaded('exclude=127.0.0.1')))
        .protocol,
      TCP,
    );
  });

  it('lets excluded addresses work over TCP in mode require', async () => {
    assert.deepEqual(await found({}, preloaded('mode=require exclude=127.0.0.1')), NONE);
  });

  it('sets a congestion control', async () => {
    assert.deepEqual(await found({}, preloaded('congestionControl=reno')), ALL);
  });

  for (const [text, word] of [
    ['mode=on', 'on'],
    ['mptcp', 'mptcp'],
    ['mode', 'mode'],
    ['mode=off connect=sometimes', 'sometimes'],
    ['listn=off', 'listn=off'],
    ['mode=off exclude=10.0.0.0/33', '10.0.0.0/33'],
    ['exclude=:70000', ':70000'],
    ['exclude=example.test', 'example.test'],
  ]) {
    it(`stops the app for '${text}', and the error names ${word}`, async () => {
      const { code, printed, stderr } = await program('app.js', {}, preloaded(text));
      assert.equal(code, 1);
      assert.deepEqual(printed, []);
      assert.match(stderr, /TypeError.*NODE_MPTCP/);
      assert.ok(stderr.includes(`'${word}'`), stderr);
      assert.match(stderr, /ERR_INVALID_ARG_VALUE/);
    });
  }
});
