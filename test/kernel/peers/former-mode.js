'use strict';

// Owners of the userspace mode that end in many ways. It runs in a mount namespace of its own, where
// /run/mptcp is empty, and prints the number of files there as JSON lines.
//   node former-mode.js <scenario> [<another network namespace>]

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate: turn } = require('node:timers/promises');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const { PathManager } = require(join(__dirname, '..', '..', '..', 'dist'));

const print = (value) => console.log(JSON.stringify(value));
const files = () => readdirSync('/run/mptcp').length;

async function own(netns) {
  const pm = await PathManager.open({ netns });
  await pm.mode.set('userspace');
  return pm;
}

/** Starts a process that owns the mode, and ends it by a signal. */
async function kill(netns) {
  const owner = spawn(process.execPath, [__filename, 'owner', ...(netns ? [netns] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(owner.stdout, 'data');
  owner.kill('SIGKILL');
  await once(owner, 'exit');
}

const scenarios = {
  async owner(netns) {
    await own(netns);
    print('owns');
    setInterval(() => 0, 1000);
  },

  async close() {
    const pm = await own();
    const during = files();
    await pm.close();
    print({ during, after: files() });
  },

  async kernel() {
    const pm = await own();
    const during = files();
    await pm.mode.set('kernel');
    print({ during, after: files() });
    await pm.close();
  },

  async exit() {
    const child = spawn(process.execPath, [__filename, 'exits'], { stdio: ['ignore', 'pipe'] });
    const [during] = await once(child.stdout, 'data');
    await once(child, 'close');
    print({ during: JSON.parse(during), after: files() });
  },

  async exits() {
    await own();
    print(files());
    process.exit();
  },

  /** A worker that is terminated runs no JavaScript: native code restores the mode. */
  async terminate() {
    const worker = new Worker(__filename, { workerData: 'inWorker' });
    await once(worker, 'message');
    const during = files();
    await worker.terminate();
    print({ during, after: files() });
  },

  async inWorker() {
    globalThis.kept = await own();
    setInterval(() => 0, 1000); // it ends only when it is terminated
    parentPort.postMessage('owns');
  },

  /** /proc/sys is read-only here. */
  async refused() {
    const pm = await PathManager.open();
    const { code } = await pm.mode.set('userspace').catch((error) => error);
    print({ code, after: files() });
    await pm.close();
  },

  async killed() {
    await kill();
    print({ after: files() });
  },

  /** A killed owner's file outlives its namespace, until a later owner writes one of its own. */
  async gone(netns) {
    await kill(netns);
    print({ killed: files() });
    await once(process.stdin, 'data'); // the namespace is deleted now
    // The kernel's worker deletes it some time later.
    for (;;) {
      const pm = await own();
      const during = files();
      await pm.close();
      if (during === 1) break;
      await turn();
    }
    print({ after: files() });
    process.exit();
  },

  /** The file of a namespace that still is there stays. */
  async there(netns) {
    await kill(netns);
    const pm = await own();
    const during = files();
    await pm.close();
    print({ during, after: files() });
    const successor = await own(netns);
    await successor.close();
    print({ after: files() });
  },
};

scenarios[isMainThread ? process.argv[2] : workerData](process.argv[3]);
