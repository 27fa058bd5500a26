'use strict';

// A cluster of servers. Its first worker connects to each of them a few times, and the primary, which
// may lack this package, prints the status of the connections at both ends.

const cluster = require('node:cluster');
const { input, print } = require('../support/program');

const { policy, primary, workers = 2, servers, exclusive } = input();

/** Waits for the next message of `worker` that has `key`, and returns the value. */
const receive = (worker, key) =>
  new Promise((resolve) => {
    const listener = (message) => {
      if (!(key in message)) return;
      worker.off('message', listener);
      resolve(message[key]);
    };
    worker.on('message', listener);
  });

async function inPrimary() {
  if (policy) cluster.schedulingPolicy = policy;
  if (primary) require(primary);
  const all = Array.from({ length: workers }, () => cluster.fork());
  for (const worker of all) {
    worker.on('message', ({ warning }) => warning && print({ warning }));
  }
  const listening = await Promise.all(all.map((worker) => receive(worker, 'listening')));
  for (let server = 0; server < servers.length; ++server) {
    const results = listening.map((each) => each[server]);
    const { error, port } = results[0];
    if (error) {
      print({ error });
      continue;
    }
    all[0].send({ ask: port });
    const ports = new Set(results.map((each) => each.port)).size;
    print({ ports, answers: await receive(all[0], 'answers') });
  }
  for (const worker of all) worker.kill();
}

function inWorker() {
  const { once } = require('node:events');
  const { text } = require('node:stream/consumers');
  process.on('warning', ({ code, message }) => process.send({ warning: { code, message } }));

  const listen = ({ from, mptcp, host = '127.0.0.1', port = 0 }) => {
    const server = require(`${from}net`).createServer(mptcp ? { mptcp } : {}, (socket) => {
      const { connectionOf } = require('mptcp');
      socket.end(JSON.stringify([connectionOf(socket).status, cluster.worker.id]));
    });
    server.listen({ port, host, exclusive });
    return once(server, 'listening').then(
      () => ({ port: server.address().port }),
      ({ code, message }) => ({ error: { code, message } }),
    );
  };
  Promise.all(servers.map(listen)).then((listening) => process.send({ listening }));

  process.on('message', async ({ ask }) => {
    const client = require('mptcp/net');
    const { connectionOf } = require('mptcp');
    const answers = [];
    for (let i = 0; i < 8; ++i) {
      const socket = client.connect(ask, '127.0.0.1');
      await once(socket, 'connect');
      const { status } = connectionOf(socket);
      const [theirs, worker] = JSON.parse(await text(socket));
      answers.push({ ours: status, theirs, worker });
    }
    process.send({ answers });
  });
}

if (cluster.isPrimary) inPrimary();
else inWorker();
