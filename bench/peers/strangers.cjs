// The server of bench/strangers.ts. Arguments: the address to listen at, and the policies as JSON
// ('null': the in-kernel path manager; '[]': what the userspace mode does by itself). It follows the events of the namespace and of each connection.
// Each line of input makes it print what has happened since the last one: the connections that it has,
// the events, and the CPU time of its main thread in milliseconds, in all and of the longest turn of the
// event loop.
'use strict';

const { readFileSync } = require('node:fs');
const { PathManager, policies, connectionOf } = require('../../dist/index.js');
const net = require('../../dist/net.js');

const [, , host, policy] = process.argv;

/** The CPU time of the main thread in milliseconds. */
const cpu = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;

async function main() {
  const counts = { connections: 0, events: 0, ofConnections: 0, longest: 0 };
  const pm = await PathManager.open();
  const events = pm.events().on('event', () => counts.events++);
  await events.ready;
  const built = JSON.parse(policy);
  if (built !== null) {
    await pm.mode.set('userspace');
    const made = built.map(([name, ...options]) => policies[name](...options));
    if (made.length > 0) await pm.manage(policies.all(...made)).ready;
  }
  const server = net.createServer((socket) => {
    counts.connections++;
    socket.on('error', () => undefined).on('close', () => counts.connections--);
    socket.pipe(socket);
    const connection = connectionOf(socket);
    for (const name of ['subflowEstablished', 'subflowClosed', 'announced'])
      connection.on(name, () => counts.ofConnections++);
  });
  server.listen({ host, port: 0, backlog: 4096 }, () => console.log(server.address().port));
  let [start, last] = [cpu(), cpu()];
  setInterval(() => {
    const now = cpu();
    counts.longest = Math.max(counts.longest, now - last);
    last = now;
  }, 1);
  process.stdin.on('data', () => {
    console.log(JSON.stringify({ ...counts, cpu: cpu() - start }));
    Object.assign(counts, { events: 0, ofConnections: 0, longest: 0 });
    start = cpu();
  });
  process.stdin.on('end', () => process.exit());
}

void main();
