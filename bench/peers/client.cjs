// What every contender asks for: argv: the module to use as net, 'bulk' or 'connections', address,
// port, seconds. Prints JSON: { rate }, in bit/s or connections per second, after a warm-up.
'use strict';

const [, , moduleName, load, host, port, seconds] = process.argv;
const net = require(moduleName);
const WARM_UP = 0.3; // of the time
const CONCURRENT = 16;

const begin = performance.now() + Number(seconds) * 1000 * WARM_UP;
const end = performance.now() + Number(seconds) * 1000;
let count = 0;

function add(amount) {
  const now = performance.now();
  if (now >= begin && now < end) count += amount;
  return now < end;
}

function report() {
  console.log(JSON.stringify({ rate: (count * 1000) / (end - begin) }));
  process.exit();
}

function download() {
  const socket = net.connect(Number(port), host);
  socket.on('data', (data) => add(data.length * 8) || report());
}

function connectAgain() {
  const socket = net.connect(Number(port), host);
  socket.resume().on('close', () => (add(1) ? connectAgain() : report()));
}

if (load === 'bulk') download();
else for (let i = 0; i < CONCURRENT; ++i) connectAgain();
