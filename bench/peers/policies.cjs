// The two ends of a transfer of bench/policies.ts. Arguments: 'server', the address to listen at and
// the direction; or 'client', the address, the port, the direction, the seconds and the policy as JSON
// ('null': the in-kernel path manager). The receiver prints { bytes, pause }: the longest time without
// data, in milliseconds; the client prints { attempts, subflows } too.
'use strict';

const { PathManager, policies, connectionOf } = require('../../dist/index.js');
const net = require('../../dist/net.js');

const chunk = Buffer.alloc(64 * 1024, 'x');
const [, , side, host, ...args] = process.argv;

function send(socket, seconds) {
  const end = performance.now() + seconds * 1000;
  const fill = () => {
    while (performance.now() < end) if (!socket.write(chunk)) return;
    socket.end();
  };
  socket.on('drain', fill);
  fill();
}

function receive(socket) {
  let [bytes, pause, last] = [0, 0];
  socket.on('data', ({ length }) => {
    const now = performance.now();
    if (last !== undefined) pause = Math.max(pause, now - last);
    bytes += length;
    last = now;
  });
  socket.on('end', () => {
    console.log(JSON.stringify({ bytes, pause }));
    socket.end();
  });
}

async function manage(build) {
  if (build === null) return { attempts: () => 0 };
  const pm = await PathManager.open();
  await pm.mode.set('userspace');
  const made = build.map(([name, ...options]) => policies[name](...options));
  const managed = pm.manage(made.length === 1 ? made[0] : policies.all(...made));
  await managed.ready;
  let attempts = 0;
  managed.on('action', ({ type }) => (attempts += Number(type === 'createSubflow')));
  return { attempts: () => attempts };
}

async function main() {
  if (side === 'server') {
    const [direction, seconds] = args;
    const server = net.createServer((socket) => {
      if (direction === 'up') receive(socket);
      else send(socket, Number(seconds));
    });
    server.listen(0, host, () => console.log(server.address().port));
    return;
  }
  const [port, direction, seconds, policy] = args;
  const { attempts } = await manage(JSON.parse(policy));
  const socket = net.connect(Number(port), host);
  if (direction === 'up') send(socket, Number(seconds));
  else receive(socket);
  setTimeout(
    () => {
      const subflows = connectionOf(socket).subflows().length;
      console.log(JSON.stringify({ attempts: attempts(), subflows }));
    },
    Number(seconds) * 900,
  );
  socket.on('close', () => process.exit());
}

void main();
