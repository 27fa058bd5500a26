// Connects and listens by the entry 'mptcp/net' ('net' as argument) or by node:net under the preload
// ('preload'), calls the rest of the package, and prints what each gives: confined.test.ts runs it
// where something is forbidden or missing.
'use strict';
const { once } = require('node:events');
const { text } = require('node:stream/consumers');
const { capabilities, connectionOf, MptcpError, PathManager, policies } = require('mptcp');

const [how, host = '127.0.0.1'] = process.argv.slice(2);
const net = require(how === 'preload' ? 'node:net' : 'mptcp/net');

const warnings = [];
process.on('warning', ({ code, message }) => warnings.push({ code, message }));

/** Resolves to what `call` gives, or to its error. */
const settled = (call) =>
  Promise.resolve()
    .then(call)
    .then(
      (value) => value ?? 'ok',
      (error) => ({
        mptcp: error instanceof MptcpError,
        ...{ code: error.code, message: error.message, stack: error.stack },
      }),
    );

/** Connects two sockets, and resolves to the status of both when the connection has closed. */
async function exchange() {
  const listener = net.createServer((socket) => socket.end(connectionOf(socket).status));
  await once(listener.listen(0, host), 'listening');
  try {
    const client = net.connect(listener.address().port, host);
    await once(client, 'connect');
    const connection = connectionOf(client);
    const { status } = connection;
    const closed = status === 'mptcp' && once(connection, 'closed');
    const server = await text(client);
    await closed;
    return { client: status, server };
  } finally {
    listener.close();
  }
}

async function required() {
  const client = require('mptcp/net').connect({ host, port: 1, mptcp: { mode: 'require' } });
  const [error] = await once(client, 'error');
  throw error;
}

async function events(pm) {
  const stream = pm.events();
  stream.on('error', () => undefined);
  try {
    await stream.ready;
    return stream.source;
  } finally {
    await stream.close();
  }
}

/** What needs a PathManager. */
const CALLS = {
  events,
  connections: async (pm) => {
    for await (const { token } of pm.connections()) void token;
  },
  list: async (pm) => void (await pm.endpoints.list()),
  limits: async (pm) => void (await pm.limits.set({ subflows: 2 })),
  sysctl: async (pm) => void (await pm.sysctls.set('stale_loss_cnt', 5)),
  interfaces: async (pm) => void (await pm.interfaces.list()),
  watch: async (pm) => {
    const stream = pm.interfaces.watch();
    stream.on('error', () => undefined);
    await stream.ready.finally(() => stream.close());
  },
  counters: async (pm) => void (await pm.counters()),
  getMode: async (pm) => (await pm.mode.get()).mode,
  userspace: (pm) => pm.mode.set('userspace'),
  manage: async (pm) => {
    const managed = pm.manage(policies.fullmesh());
    await managed.ready.finally(() => managed.close());
  },
  kernel: (pm) => pm.mode.set('kernel'),
  endpoints: async (pm) => {
    const managed = pm.manage(policies.fullmesh(), { by: 'endpoints' });
    await managed.ready.finally(() => managed.close());
  },
};

async function main() {
  const results = { sockets: await settled(exchange), required: await settled(required) };
  const { reason, ...can } = await capabilities();
  results.capabilities = { ...can, reason: reason?.message };
  let pm;
  results.open = await settled(async () => {
    pm = await PathManager.open();
  });
  if (pm) {
    results.calls = {};
    for (const [name, call] of Object.entries(CALLS))
      results.calls[name] = await settled(() => call(pm));
    results.close = await settled(() => pm.close());
  }
  results.again = await settled(exchange);
  await new Promise(setImmediate);
  process.stdout.write(`${JSON.stringify({ ...results, warnings })}\n`);
}
main().catch(({ stack }) => process.stdout.write(`${JSON.stringify({ stack })}\n`));
