'use strict';

/** Servers in workers of a cluster, by round robin and by shared handles. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const cluster = require('node:cluster');
const { describe, it } = require('node:test');
const { NEEDS_MPTCP, SPOKEN } = require('../support/peers');
const { program, warningsIn } = require('../support/program');

const major = Number(process.versions.node.split('.')[0]);
const POLICIES = { 'round robin': cluster.SCHED_RR, 'shared handles': cluster.SCHED_NONE };

/** The distinct pairs of status that connections had at the client and at the server. */
const spoken = ({ answers }) => [
  ...new Set(answers.map(({ ours, theirs }) => `${ours} ${theirs}`)),
];

async function run(input, options) {
  const { code, printed, stderr } = await program('cluster.js', input, options);
  assert.equal(code, 0, stderr);
  return { printed, stderr };
}

for (const [name, policy] of Object.entries(POLICIES)) {
  describe(`a cluster with ${name}`, { concurrency: 3 }, () => {
    const BOTH = `${SPOKEN} ${SPOKEN}`;

    for (const primary of ['mptcp', 'mptcp/net', 'mptcp/register']) {
      it(`servers of workers speak MPTCP with ${primary} in the primary`, async () => {
        const { printed } = await run({ policy, primary, servers: [{ from: 'mptcp/' }] });
        const [{ ports, answers }] = printed;
        assert.deepEqual(spoken(printed[0]), [BOTH]);
        assert.equal(ports, 1);
        if (policy === cluster.SCHED_RR) {
          assert.equal(new Set(answers.map(({ worker }) => worker)).size, 2);
        }
        assert.equal(printed.length, 1);
      });
    }

    it('each server speaks what it is configured for, also on all addresses and on one port', async () => {
      const { printed } = await run({
        policy,
        primary: 'mptcp',
        servers: [
          { from: 'mptcp/' },
          { from: 'node:' },
          { from: 'mptcp/', mptcp: { mode: 'off' } },
          { from: 'mptcp/', host: '::' },
          { from: 'node:', host: '::' },
          { from: 'mptcp/', host: null },
          { from: 'node:', host: null },
          { from: 'mptcp/', host: 'localhost' },
        ],
        workers: 3,
      });
      assert.deepEqual(printed.map(spoken), [
        [BOTH],
        ['fallback tcp'],
        ['fallback tcp'],
        [BOTH],
        ['fallback tcp'],
        [BOTH],
        ['fallback tcp'],
        [BOTH],
      ]);
    });

    it('a server that requires MPTCP accepts MPTCP clients', NEEDS_MPTCP, async () => {
      const { printed } = await run({
        policy,
        primary: 'mptcp',
        servers: [{ from: 'mptcp/', mptcp: { mode: 'require' } }],
      });
      assert.deepEqual(spoken(printed[0]), ['mptcp mptcp']);
    });

    it('without this package in the primary, servers speak TCP and each worker warns once', async () => {
      const { printed } = await run({
        policy,
        servers: [{ from: 'mptcp/' }, { from: 'mptcp/' }, { from: 'node:' }],
      });
      const warnings = printed.filter(({ warning }) => warning);
      assert.deepEqual(
        warnings.map(({ warning }) => warning.code),
        ['MPTCP_CLUSTER', 'MPTCP_CLUSTER'],
      );
      assert.match(warnings[0].warning.message, /primary/);
      assert.deepEqual(printed.filter(({ answers }) => answers).map(spoken), [
        ['fallback fallback'],
        ['fallback fallback'],
        ['fallback tcp'],
      ]);
    });

    it(
      'without this package in the primary, a server that requires MPTCP fails',
      NEEDS_MPTCP,
      async () => {
        const { printed } = await run({
          policy,
          servers: [{ from: 'mptcp/', mptcp: { mode: 'require' } }],
        });
        assert.deepEqual(
          printed.map(({ error }) => error.code),
          ['ERR_MPTCP_UNAVAILABLE'],
        );
      },
    );

    it('exclusive servers have their own ports, and need no package in the primary', async () => {
      const { printed } = await run({ policy, exclusive: true, servers: [{ from: 'mptcp/' }] });
      assert.deepEqual(spoken(printed[0]), [BOTH]);
      assert.equal(printed[0].ports, 2);
    });

    for (const option of ['--require', '--import']) {
      it(`servers speak MPTCP when preloaded by NODE_OPTIONS=${option}`, async () => {
        const { printed, stderr } = await run(
          { policy, servers: [{ from: 'node:' }, { from: 'mptcp/', mptcp: { mode: 'off' } }] },
          { env: { NODE_OPTIONS: `${option} mptcp/register` } },
        );
        assert.deepEqual(printed.map(spoken), [[BOTH], ['fallback tcp']]);
        assert.deepEqual(warningsIn(stderr), []);
      });
    }

    it('a preloaded server on an excluded port speaks TCP', async () => {
      const [{ address, port }, server] = await freePort();
      await new Promise((resolve) => server.close(resolve));
      const { printed } = await run(
        { policy, servers: [{ from: 'node:', host: address, port }, { from: 'node:' }] },
        {
          env: {
            NODE_OPTIONS: '--require mptcp/register',
            NODE_MPTCP: `connect=off exclude=127.0.0.1:${port}`,
          },
        },
      );
      // The client of the program uses mptcp/net, to which the exclusion does not apply.
      assert.deepEqual(printed.map(spoken), [['fallback tcp'], [BOTH]]);
    });
  });
}

async function freePort() {
  const server = require('node:net').createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return [server.address(), server];
}

/** A worker with maxConnections 1; prints what it dropped, and how the second connection ended. */
const FULL = `
  const cluster = require('node:cluster');
  const { once } = require('node:events');
  const { connect, createServer } = require(process.argv[1] + 'net');
  const { connectionOf } = require('mptcp');
  async function inPrimary() {
    const worker = cluster.fork();
    const [{ port }] = await once(worker, 'message');
    const first = connect(port, '127.0.0.1');
    await once(first, 'data');
    const dropped = once(worker, 'message');
    const second = connect(port, '127.0.0.1').resume();
    const [hadError] = await once(second, 'close');
    console.log(JSON.stringify({ hadError, dropped: (await dropped)[0], kept: !first.destroyed }));
    console.log(connectionOf(first).status);
    process.exit();
  }
  function inWorker() {
    const server = createServer((socket) => socket.write('accepted'));
    Object.assign(server, { maxConnections: 1, dropMaxConnection: true });
    server.on('drop', ({ remoteAddress, remoteFamily }) =>
      process.send({ remoteAddress, remoteFamily }));
    server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
  }
  cluster.isPrimary ? inPrimary() : inWorker();`;

describe('dropMaxConnection', { skip: major < 24 && 'this Node.js has none' }, () => {
  it('drops connections in a worker of a cluster as in Node', async () => {
    const answers = ['node:', 'mptcp/'].map((from) => {
      const options = { encoding: 'utf8', cwd: __dirname };
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', FULL, from], options);
      assert.match(stdout, /\n/, stderr);
      return stdout.trim().split('\n');
    });
    assert.deepEqual(answers[1], [answers[0][0], SPOKEN]);
    assert.deepEqual(JSON.parse(answers[0][0]), {
      ...{ hadError: false, kept: true },
      dropped: { remoteAddress: '127.0.0.1', remoteFamily: 'IPv4' },
    });
  });
});
