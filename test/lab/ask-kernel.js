/**
 * Asks the kernel what it can do, in the network namespace that it is started in, and prints the
 * answers as JSON. It runs the built package: see capabilities.ts.
 */
'use strict';

const { constants } = require('node:os');
const { loadNative } = require('../../dist/kernel/addon');

const LAMINAR = 32;
const NO_CONNECTION = 0xffff_ffff;

const native = loadNative();
const commands = new native.Commands(undefined);

/** Whether a call succeeds, and its result. */
const ask = (call) =>
  new Promise((resolve) => call((error, result) => resolve({ ok: !error, error, result })));

async function main() {
  const endpoint = { id: 0, address: '127.0.0.1', port: 0, flags: LAMINAR, interface: 0 };
  const added = await ask((done) => commands.addEndpoint(endpoint, done));
  const listed = await ask((done) => commands.endpoints(NO_CONNECTION, done));
  const handle = await ask((done) => commands.namespaceHandle(done));
  const again = await ask((done) => commands.addEndpoint(endpoint, done));
  const answers = {
    laminar: added.ok && (added.result.flags & LAMINAR) !== 0,
    'addresses by token': !listed.ok,
    'namespace handles': handle.result !== undefined,
    'reasons of refusals': again.error?.errno === constants.errno.EEXIST,
  };
  process.stdout.write(JSON.stringify(answers));
  commands.close();
}

void main();
