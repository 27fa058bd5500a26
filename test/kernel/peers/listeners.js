'use strict';

// A server whose listening socket is created in one of several ways.
//   node listeners.js 'own' | 'round robin' | 'shared' | 'handed over' <congestionControl>
// Prints its port; answers data on a connection with the results of its hints.

const cluster = require('node:cluster');
const { connectionOf } = require('../../../dist/index.js');
const net = require('../../../dist/net.js');

const [kind, congestionControl] = process.argv.slice(2);

if (cluster.isPrimary && ['round robin', 'shared'].includes(kind)) {
  cluster.schedulingPolicy = kind === 'shared' ? cluster.SCHED_NONE : cluster.SCHED_RR;
  cluster.fork();
} else {
  const server = net.createServer({ mptcp: { hints: { congestionControl } } }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(JSON.stringify(connectionOf(socket).hints)));
  });
  const at = kind === 'handed over' ? { fd: 9 } : { port: 0 };
  server.listen(at, () => console.log(server.address().port));
}
