'use strict';

// Processes and workers that end, or continue, while path managers are at work. Prints JSON lines.
//   node path-manager-process-end.js <scenario>

const cluster = require('node:cluster');
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate: turn } = require('node:timers/promises');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const dist = join(__dirname, '..', '..', '..', 'dist');
const { PathManager } = require(dist);

const WORKERS = 12;
const print = (value) => console.log(JSON.stringify(value));
const ignore = () => undefined;

/** The number of running threads of the package. */
function threads() {
  const names = readdirSync('/proc/self/task').map((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8');
    } catch {
      return ''; // it has ended in the meantime
    }
  });
  return names.filter((name) => name.startsWith('mptcp-')).length;
}

const resources = () => ({ threads: threads(), fds: readdirSync('/proc/self/fd').length });
const mode = () =>
  ['kernel', 'userspace'][Number(readFileSync('/proc/sys/net/mptcp/pm_type', 'utf8'))];

/** Starts everything that a path manager does, for longer than any scenario waits. */
async function busy(onceBusy) {
  const pm = await PathManager.open();
  await pm.mode.set('userspace');
  const events = pm.events();
  const followed = pm.endpoints.follow({ flags: { subflow: true } });
  await Promise.all([events.ready, followed.ready, pm.interfaces.watch().ready]);
  void (async () => {
    for await (const event of events) event.type; // never ends
  })().catch(ignore);
  const dump = async () => {
    for (;;) for await (const connection of pm.connections()) connection.state;
  };
  dump().catch(ignore);
  pm.connections().next().catch(ignore); // a dump that is abandoned
  const { signal } = new AbortController();
  const pair = () => [
    pm.endpoints.add({ address: '10.9.9.9', signal: true, id: 99 }, { signal }).catch(ignore),
    pm.endpoints.delete(99, { signal }).catch(ignore),
  ];
  await Promise.all(pair());
  for (let i = 0; i < 100; ++i) pair();
  onceBusy();
}

const scenarios = {
  /** Calls process.exit() while everything is at work. */
  exit: () => busy(() => process.exit(7)).catch(ignore),

  /** Throws an exception while everything is at work. */
  exception: () =>
    busy(ignore).catch(ignore) &&
    setImmediate(function fail() {
      if (mode() !== 'userspace') return setImmediate(fail);
      throw new Error('on purpose');
    }),

  /** Terminates workers while everything is at work, and reports the remaining resources. */
  async terminate() {
    const end = async () => {
      const worker = new Worker(__filename, { workerData: 'owner' });
      await new Promise((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
      });
      const during = mode();
      await worker.terminate();
      return [during, mode()];
    };
    const modes = [await end()];
    const before = resources();
    for (let i = 1; i < WORKERS; ++i) modes.push(await end());
    print({ before, after: resources(), modes });
  },

  /** Has one worker exit by itself, and exits the process while another one runs. */
  async workerExit() {
    const worker = new Worker(__filename, { workerData: 'exit' });
    const code = await new Promise((resolve) => worker.once('exit', resolve));
    print({ code, mode: mode(), threads: threads() });
    new Worker(__filename, { workerData: 'owner' }).once('message', () => {
      print({ mode: mode() });
      process.exit(0);
    });
  },

  /** Drops path managers without closing them. */
  async garbage() {
    const opened = new Set();
    const use = async () => {
      const pm = await PathManager.open();
      opened.add(pm.threadId);
      await Promise.all([pm.endpoints.list(), pm.limits.get(), pm.sysctls.get(), pm.counters()]);
      await pm.connections().next();
      await pm.mode.get();
    };
    await use();
    const before = resources();
    for (let i = 0; i < 20; ++i) await use();
    for (const end = Date.now() + 30_000; threads() > 0; await turn()) {
      if (Date.now() > end) throw new Error('threads of dropped path managers still run');
      global.gc();
    }
    print({ before, opened: opened.size, after: resources() });
  },

  /** Closes path managers while everything is at work, and reports how the calls ended. */
  async close() {
    const use = async () => {
      const pm = await PathManager.open();
      await pm.mode.set('userspace');
      const events = pm.events();
      await events.ready;
      const next = events.next();
      const calls = Array.from({ length: 50 }, (_, i) => [
        pm.endpoints.add({ address: `10.9.9.${i}` }),
        pm.endpoints.delete(255),
        pm.connections().next(),
      ]).flat();
      const [results] = await Promise.all([Promise.allSettled(calls), pm.close()]);
      await pm.close();
      const codes = results.flatMap(({ reason }) => (reason ? [reason.code] : []));
      return [...new Set([...codes, String((await next).done)])];
    };
    await use();
    const before = resources();
    const outcomes = [];
    for (let i = 0; i < 5; ++i) outcomes.push(...(await use()));
    print({ before, after: resources(), outcomes: [...new Set(outcomes)], mode: mode() });
  },

  owner: () => busy(() => parentPort.postMessage('busy')).catch(ignore),

  /** Runs a cluster in which each worker has a path manager. */
  async cluster() {
    const net = require(join(dist, 'net.js'));
    if (cluster.isPrimary) {
      for (let i = 0; i < 3; ++i) {
        cluster.fork().on('message', (message) => print({ worker: i, ...message }));
      }
      process.stdin.resume().on('end', () => process.exit());
      return;
    }
    const pm = await PathManager.open();
    const events = pm.events();
    await events.ready;
    const tokens = new Set();
    events.on('established', ({ token }) => {
      tokens.add(token);
      process.send({ tokens: tokens.size });
    });
    const { id } = await pm.endpoints.add({ address: `10.7.7.${cluster.worker.id}`, signal: true });
    const owner = await pm.mode.set('userspace').then(
      () => process.pid,
      (error) => ({ code: error.code, message: error.message }),
    );
    let accepted = 0;
    const server = net.createServer((socket) => {
      socket.pipe(socket).on('error', ignore);
      process.send({ accepted: ++accepted });
    });
    server.listen(4000, () => process.send({ id, pid: process.pid, owner }));
  },
};

scenarios[isMainThread ? process.argv[2] : workerData]();
