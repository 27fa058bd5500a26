// Calls PathManager while the process can have no more threads, or no more files, and prints what
// each call gives: { code, errno } or 'ok'. The argument is 'threads' or 'files'.
'use strict';
const { MptcpError, PathManager } = require('mptcp');
const { EXHAUST } = require('./exhaust');

const iterate = async (iterable) => {
  for await (const each of iterable) return each;
  return undefined;
};

/** Gets the error of a stream, or that it is ready. */
async function settled(stream) {
  stream.on('error', () => undefined);
  try {
    await stream.ready;
  } finally {
    await stream.close();
  }
}

const CALLS = {
  open: async () => (await PathManager.open()).close(),
  events: (pm) => settled(pm.events()),
  watch: (pm) => settled(pm.interfaces.watch()),
  connections: (pm) => iterate(pm.connections()),
  mode: async (pm) => {
    await pm.mode.set('userspace');
    await pm.mode.set('kernel');
  },
};

async function results(pm, names = Object.keys(CALLS)) {
  const all = {};
  for (const name of names) {
    const call = CALLS[name];
    all[name] = await Promise.resolve()
      .then(() => call(pm))
      .then(
        () => 'ok',
        (error) => ({ mptcp: error instanceof MptcpError, code: error.code, errno: error.errno }),
      );
  }
  return all;
}

async function main() {
  const pm = await PathManager.open();
  // It loads all modules, but the first change of the mode has a thread of its own.
  const all = Object.keys(CALLS);
  const threads = all.filter((name) => name !== 'mode');
  const before = await results(pm, process.argv[2] === 'threads' ? threads : all);
  const end = EXHAUST[process.argv[2]]();
  const during = await results(pm);
  end();
  const after = await results(pm);
  await pm.close();
  process.stdout.write(`${JSON.stringify({ before, during, after })}\n`);
}
void main();
