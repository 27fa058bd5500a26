'use strict';

// A server behind a load balancer, as an app would write it.
//   node load-balanced-backend.js <port> '<options>'
// Options: `workers`, the size of a cluster; `announce`, the argument of behindLoadBalancer() for
// each worker, null for none; `userspace`, whether the primary takes over the path management.
// A line with a number, sent by a client, is answered with a line of JSON and that many bytes.

const cluster = require('node:cluster');
const { createCipheriv } = require('node:crypto');
const { once } = require('node:events');
const mptcp = require('../../../dist/index.js');
const net = require('../../../dist/net.js');

const [port, json] = process.argv.slice(2);
const { workers = 1, announce = [], userspace = false } = JSON.parse(json);

const payload = (length) =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, length), Buffer.alloc(16)).update(
    Buffer.alloc(length),
  );

async function serve(number) {
  const pm = await mptcp.PathManager.open();
  if (announce[number]) await pm.behindLoadBalancer(announce[number]);
  const server = net.createServer((socket) => {
    socket.on('error', (error) => console.error(error));
    let question = '';
    socket.on('data', (chunk) => {
      question += chunk;
      if (!question.endsWith('\n')) return;
      socket.write(`${JSON.stringify({ worker: number, backend: process.env.BACKEND })}\n`);
      socket.end(payload(Number(question)));
    });
  });
  await once(server.listen(Number(port), '::'), 'listening');
}

async function primary() {
  const pm = await mptcp.PathManager.open();
  if (userspace) await pm.mode.set('userspace', { except: () => true });
  if (workers === 1) {
    await serve(0);
  } else {
    const forked = Array.from({ length: workers }, (_, number) => cluster.fork({ NUMBER: number }));
    await Promise.all(forked.map((worker) => once(worker, 'message')));
  }
  console.log('ready');
}

if (cluster.isPrimary) void primary();
else void serve(Number(process.env.NUMBER)).then(() => process.send('ready'));
