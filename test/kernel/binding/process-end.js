'use strict';

// Processes and workers that end, or live on, with threads of the addon: node lives.js <name>.
// Prints JSON lines.

const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate: turn } = require('node:timers/promises');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const native = require('node-gyp-build')(join(__dirname, '..', '..', '..'));

const WORKERS = 50;

const print = (value) => console.log(JSON.stringify(value));
const nothing = () => undefined;

const add = {
  command: 'addEndpoint',
  endpoint: { id: 1, address: '127.0.0.1', port: 5000, flags: 1, interface: 0 },
};
const pair = [add, { command: 'deleteEndpoint', id: 1 }];

/** The threads of the addon that run. */
function threads() {
  const names = readdirSync('/proc/self/task').map((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8');
    } catch {
      return ''; // ended in the meantime
    }
  });
  return names.filter((name) => name.startsWith('mptcp-')).length;
}

const resources = () => ({ threads: threads(), fds: readdirSync('/proc/self/fd').length });

async function until(what, ask) {
  for (const end = Date.now() + 30_000; !ask(); await turn()) {
    if (Date.now() > end) throw new Error(`${what}: not within 30 s`);
  }
}

/** Commands, events and dumps, all under way at once and for longer than anybody waits. */
function busy(under_way) {
  const commands = new native.Commands();
  const long = Array(200).fill(pair).flat();
  commands.run(pair, () => {
    under_way();
    for (let i = 0; i < 20; ++i) {
      commands.run(long, nothing);
      commands.endpoints(undefined, nothing);
    }
  });
  commands.listen('127.0.0.1', 0, nothing);
  commands.holdName(`lives-${Math.random()}`, nothing);

  const dump = () => {
    const connections = new native.ConnectionDump(undefined, {});
    const next = () => connections.next((error, got) => (got ? next() : setImmediate(dump)));
    next();
  };
  dump();
  new native.SubflowDump(undefined, { tcpInfo: true }); // which nobody reads
  new native.EventWatcher(undefined, { queue: 8 }, nothing).ref();
  new native.InterfaceWatcher(undefined, { queue: 8 }, nothing);
}

const lives = {
  /** process.exit() in the middle of everything. */
  exit: () => busy(() => process.exit(7)),

  /** An exception in the middle of everything. */
  exception: () =>
    busy(() => {
      throw new Error('on purpose');
    }),

  /** Workers terminated in the middle of everything, and how many threads and descriptors stay. */
  async terminate() {
    const end = async () => {
      const worker = new Worker(__filename, { workerData: 'busy' });
      await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();
    };
    await end();
    const before = resources();
    for (let i = 1; i < WORKERS; ++i) await end();
    print({ before, after: resources() });
  },

  /** A worker that exits by itself. */
  async workerExit() {
    const worker = new Worker(__filename, { workerData: 'exit' });
    print({ code: await new Promise((resolve) => worker.once('exit', resolve)), ...resources() });
  },

  /** Objects that nobody refers to any more, most of them never closed. */
  async garbage() {
    const answer = (call) => new Promise((resolve) => call(resolve));
    const before = resources();
    for (let i = 0; i < 20; ++i) {
      new native.Commands();
      const commands = new native.Commands();
      await answer((done) => commands.listen('127.0.0.1', 0, done)); // and drops the socket
      new native.ConnectionDump(undefined, {});
      const dump = new native.SubflowDump(undefined, { tcpInfo: true });
      await answer((done) => dump.next(done));
      // Watchers are no garbage until they are closed, which ends the cycle through the closure.
      await answer((done) => {
        const watcher = new native.EventWatcher(undefined, { queue: 8 }, () => {
          watcher.close();
          done();
        });
        watcher.ref();
      });
      const failed = new native.InterfaceWatcher('none', { queue: 8 }, () => void failed);
      failed.ref();
    }
    const most = resources();
    await until('the garbage', () => {
      global.gc();
      return threads() === 0;
    });
    print({ before, most, after: resources() });
  },

  /** Nothing of this keeps the process alive. */
  idle() {
    const commands = new native.Commands();
    commands.unref();
    commands.run(pair, () => print('not awaited'));
    new native.Commands();
    new native.EventWatcher(undefined, { queue: 8 }, nothing);
    const watcher = new native.InterfaceWatcher(undefined, { queue: 8 }, nothing);
    watcher.ref();
    watcher.unref();
    new native.ConnectionDump(undefined, {});
    print('idle');
    process.on('exit', () => print('exit'));
  },

  /** Each of this does, until it has answered. */
  pending() {
    new native.Commands().run(pair, () => print('command'));
    const commands = new native.Commands();
    commands.unref();
    commands.endpoints(undefined, () => print('referenced'));
    commands.ref();
    new native.ConnectionDump(undefined, {}).next(() => print('dump'));
    const watcher = new native.EventWatcher(undefined, { queue: 8 }, () =>
      watcher.close(() => print('closed')),
    );
    watcher.ref();
  },

  /** What callbacks throw is an uncaught exception, and costs the others nothing. */
  throws() {
    process.on('uncaughtException', ({ message }) => print(message));
    const commands = new native.Commands();
    for (const what of ['first', 'second']) {
      commands.endpoints(undefined, () => {
        throw new Error(what);
      });
    }
    commands.endpoints(undefined, () => commands.close(() => print('closed')));
    commands.endpoints(undefined, ({ errno }) => print(errno));
  },

  /** What a user without capabilities is told. */
  unprivileged() {
    const commands = new native.Commands();
    commands.run([add, { command: 'getLimits' }], (_, [{ errno, call }, limits]) =>
      print({ errno, call, limits }),
    );
    const watcher = new native.EventWatcher(undefined, { queue: 8 }, ({ errno, call }) =>
      print({ errno, call }),
    );
    watcher.ref();
    new native.Commands('/proc/self/ns/net').family(({ errno, call }) => print({ errno, call }));
  },

  busy: () => busy(() => parentPort.postMessage('busy')),
};

lives[isMainThread ? process.argv[2] : workerData]();
