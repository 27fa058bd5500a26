// Runs the jobs of path-manager.c by PathManager, with the same output. Arguments: the job and its
// arguments.
'use strict';

const { PathManager } = require('../../dist/index.js');

const [, , job, ...args] = process.argv;
const print = (result) => console.log(JSON.stringify(result));

const COMMANDS = {
  get: (pm) => pm.endpoints.get(1),
  list: (pm) => pm.endpoints.list(),
  update: (pm, i) => pm.endpoints.update(1, { backup: i % 2 === 0 }),
};

async function repeat(command, pm, count, atOnce) {
  for (let done = 0; done < count; done += atOnce) {
    if (atOnce === 1) await command(pm, done);
    else await Promise.all(Array.from({ length: atOnce }, (_, i) => command(pm, done + i)));
  }
}

const JOBS = {
  async commands(pm, what, count, atOnce) {
    await repeat(COMMANDS[what], pm, Number(count), Number(atOnce)); // until V8 has compiled it
    const start = performance.now();
    await repeat(COMMANDS[what], pm, Number(count), Number(atOnce));
    print({ rate: (count * 1000) / (performance.now() - start) });
  },

  async 'read-listeners'(pm, count) {
    const times = [];
    const events = pm.events();
    await events.ready;
    console.log('ready');
    await new Promise((resolve) => {
      events.on('listenerCreated', () => {
        times.push(process.hrtime.bigint());
        if (times.length === Number(count)) resolve();
      });
      events.ref();
    });
    console.log(`[${times.join()}]`);
  },

  async 'read-connections'(pm, count, queue, receiveBuffer) {
    const counts = { created: 0, closed: 0, events: 0, lost: false };
    const room = { queue: Number(queue), receiveBuffer: Number(receiveBuffer) };
    const events = pm.events(queue ? room : {});
    await events.ready;
    console.log('ready');
    events.ref();
    for await (const event of events) {
      if (event.source === 'kernel') counts.events++;
      if (event.type === 'created') counts.created++;
      if (event.type === 'closed') counts.closed++;
      if (event.type === 'overrun') counts.lost = true;
      if (counts.lost || counts.closed === 2 * count) break;
    }
    print(counts);
  },

  async dump(pm, subflows) {
    const options = { subflows: subflows === 'subflows' };
    const before = process.memoryUsage.rss();
    const seconds = [];
    let peak;
    for (let i = 0; i < 10; ++i) {
      const start = performance.now();
      let count = 0;
      for await (const connection of pm.connections({}, options)) {
        if (!options.subflows || connection.subflows.length > 0) count++;
      }
      seconds.push((performance.now() - start) / 1000);
      peak ??= process.resourceUsage().maxRSS * 1024; // of the first dump
      if (i === 0) print({ count });
    }
    const [first, ...then] = seconds;
    print({ seconds: then.sort((a, b) => a - b)[then.length >> 1], first, before, peak });
  },
};

async function main() {
  const pm = await PathManager.open();
  await JOBS[job](pm, ...args);
  await pm.close();
}

void main();
