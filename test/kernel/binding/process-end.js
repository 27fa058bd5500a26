'use strict';

// Processes and workers that end, or continue, while threads of the addon are at work. Prints JSON
// lines.
//   node process-end.js <scenario>

const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate: turn } = require('node:timers/promises');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const native = require('node-gyp-build')(join(__dirname, '..', '..', '..'));

const WORKERS = 50;

const print = (value) => console.log(JSON.stringify(value));
const ignore = () => undefined;

const add = {
  command: 'addEndpoint',
  endpoint: { id: 1, address: '127.0.0.1', port: 5000, flags: 1, interface: 0 },
};
const pair = [add, { command: 'deleteEndpoint', id: 1 }];

/** The number of running threads of the addon. */
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

async function until(what, ask) {
  for (const end = Date.now() + 30_000; !ask(); await turn()) {
    if (Date.now() > end) throw new Error(`timed out after 30 s: ${what}`);
  }
}

const answer = (call) =>
  new Promise((resolve, reject) =>
    call((error, value) => (error ? reject(error) : resolve(value))),
  );

/** Starts commands, events and dumps, for longer than any scenario waits. */
function busy(onceBusy) {
  const commands = new native.Commands();
  const long = Array(200).fill(pair).flat();
  commands.run(pair, () => {
    onceBusy();
    for (let i = 0; i < 20; ++i) {
      commands.run(long, ignore);
      commands.endpoints(undefined, ignore);
    }
  });
  commands.listen('127.0.0.1', 0, ignore);
  commands.holdName(`process-end-${Math.random()}`, ignore);

  const dump = () => {
    const connections = new native.ConnectionDump(undefined, {});
    const next = () => connections.next((error, reply) => (reply ? next() : setImmediate(dump)));
    next();
  };
  dump();
  new native.SubflowDump(undefined, { tcpInfo: true }); // never read
  new native.EventWatcher(undefined, { queue: 8 }, ignore).ref();
  new native.InterfaceWatcher(undefined, { queue: 8 }, ignore);
}

const scenarios = {
  /** Calls process.exit() while everything is at work. */
  exit: () => busy(() => process.exit(7)),

  /** Throws an exception while everything is at work. */
  exception: () =>
    busy(() => {
      throw new Error('on purpose');
    }),

  /** Terminates workers while everything is at work, and reports the remaining resources. */
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

  /** Has a worker exit by itself while everything is at work. */
  async workerExit() {
    const worker = new Worker(__filename, { workerData: 'exit' });
    print({ code: await new Promise((resolve) => worker.once('exit', resolve)), ...resources() });
  },

  /** Drops objects, most of them without closing them. */
  async garbage() {
    const before = resources();
    for (let i = 0; i < 20; ++i) {
      new native.Commands();
      const commands = new native.Commands();
      await answer((done) => commands.listen('127.0.0.1', 0, done)); // drops the socket
      new native.ConnectionDump(undefined, {});
      const dump = new native.SubflowDump(undefined, { tcpInfo: true });
      await answer((done) => dump.next(done));
      // Watchers are not collected before they are closed, which ends the cycle through the closure.
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
    await until('the dropped objects are collected', () => {
      global.gc();
      return threads() === 0;
    });
    print({ before, most, after: resources() });
  },

  /** Drops a setting that it has changed, without restoring it. */
  async heldSetting() {
    const file = '/proc/sys/net/mptcp/add_addr_timeout';
    const value = () => readFileSync(file, 'utf8').trim();
    const change = async () => {
      const commands = new native.Commands();
      const held = await answer((done) => commands.holdSetting(file, '55', undefined, done));
      held.change('66');
      print(Number(value()));
      await answer((done) => commands.close(done));
    };
    await change();
    await until('the setting is restored', () => {
      global.gc();
      return value() === '55';
    });
    print(Number(value()));
  },

  /** Keeps objects open that do not keep the process alive. */
  idle() {
    const commands = new native.Commands();
    commands.unref();
    commands.run(pair, () => print('not awaited'));
    new native.Commands();
    new native.EventWatcher(undefined, { queue: 8 }, ignore);
    const watcher = new native.InterfaceWatcher(undefined, { queue: 8 }, ignore);
    watcher.ref();
    watcher.unref();
    new native.ConnectionDump(undefined, {});
    print('idle');
    process.on('exit', () => print('exit'));
  },

  /** Makes calls that each keep the process alive until they are answered. */
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

  /** Throws from callbacks, which is an uncaught exception and does not affect other calls. */
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

  /** Reports the errors that a user without capabilities gets. */
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

scenarios[isMainThread ? process.argv[2] : workerData]();
