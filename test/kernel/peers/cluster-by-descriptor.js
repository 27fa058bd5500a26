/**
 * A cluster whose worker listens at descriptor 5 of the primary's: `node cluster-by-descriptor.js DIST
 * MODE`. It prints 'listening', or the code of the worker's error; each connection gets its status at
 * the server, and whether its hint has a result.
 */
'use strict';
const cluster = require('node:cluster');
const { join } = require('node:path');

const [folder, mode] = process.argv.slice(2);
const { connectionOf } = require(join(folder, 'index.js'));
const net = require(join(folder, 'net.js'));

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.fork();
  cluster.on('listening', () => console.log('listening'));
  cluster.on('message', (_worker, code) => console.log(code));
} else {
  net
    .createServer({ mptcp: { mode, hints: { dscp: 46 } } }, (socket) => {
      const { status, hints } = connectionOf(socket);
      socket.end(`${status} ${hints.some(({ hint }) => hint === 'dscp')}`);
    })
    .on('error', ({ code }) => process.send(code))
    .listen({ fd: 5 });
}
