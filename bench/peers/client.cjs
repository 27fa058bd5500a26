// The client of every Node.js contender. Arguments: the module to use as net, 'bulk' or
// 'connections', address, port. For each line of input, a number of seconds, it runs for that long
// and prints JSON: { rate }, in bit/s or connections per second, after a warm-up.
'use strict';

const { createInterface } = require('node:readline');

const [, , moduleName, load, host, port] = process.argv;
const net = require(moduleName);
const WARM_UP = 0.2; // of the time
const CONCURRENT = 16;
const PATIENCE = 1; // s

const connect = () => net.connect(Number(port), host);

const LOADS = {
  bulk(add) {
    return new Promise((resolve) => {
      const socket = connect().on('close', resolve);
      socket.on('data', (data) => add(data.length * 8) || socket.destroy());
    });
  },

  async connections(add, seconds) {
    // Not a Set: scavenges of V8 may keep the members of its former tables alive.
    const open = new Array(CONCURRENT);
    const again = (index, resolve) => {
      open[index] = connect()
        .resume()
        .on('close', () => {
          if (add(1)) again(index, resolve);
          else resolve();
        });
    };
    const timeout = setTimeout(
      () => {
        for (const each of open) each.destroy(); // the kernel withholds what some servers wrote
      },
      (seconds + PATIENCE) * 1000,
    );
    await Promise.all(
      Array.from(open, (_, index) => new Promise((resolve) => again(index, resolve))),
    );
    clearTimeout(timeout);
  },
};

async function turn(seconds) {
  const begin = performance.now() + seconds * 1000 * WARM_UP;
  const end = performance.now() + seconds * 1000;
  let count = 0;
  await LOADS[load]((amount) => {
    const now = performance.now();
    if (now >= begin && now < end) count += amount;
    return now < end;
  }, seconds);
  return { rate: (count * 1000) / (end - begin) };
}

async function main() {
  for await (const seconds of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await turn(Number(seconds))));
  }
}

void main();
