// Runs one contender of records.ts in a process of its own. Its arguments are its addon, the kind,
// how many items it converts at a time, and how many of them make a batch. It prints JSON: the
// microseconds for all items on their thread and on the event loop, and there the first time.
'use strict';

const [, , addon, kind, count, batch] = process.argv;
const WARM_UP = 0.3; // s
const SECONDS = 0.7;

const { write, read } = require(addon)[kind];

/** Reads the properties that lib/ reads, so that the time to read an object counts as well. */
const use = {
  connections: ({ local, remote, state, uid, token, info, inode, receiveQueue, sendQueue }) =>
    local.port + remote.port + state + uid + token + info.flags + inode + receiveQueue + sendQueue,
  subflows: ({ local, remote, state, flags, token, localId, remoteId, tcpInfo }) =>
    local.port + remote.port + state + flags + token + localId + remoteId + tcpInfo.rtt,
  events: ({ type, token, localId, remoteId, local, remote, backup, interface: index }) =>
    type + token + localId + remoteId + local.port + remote.port + Number(backup) + index,
  endpoints: ({ id, port, flags, interface: index, address }) =>
    id + port + flags + index + address.length,
  sockets: ({ info, subflows }) =>
    subflows.reduce((sum, { tcpInfo }) => sum + tcpInfo.rtt + tcpInfo.bytesAcked, info.token),
}[kind];

let sum = 0;

function convert(times) {
  const kept = []; // the whole dump stays alive
  for (let first = 0; first < count; first += Number(batch)) {
    const start = performance.now();
    const written = write(first, Math.min(count - first, batch));
    const middle = performance.now();
    const items = read(written);
    for (const item of items) sum += use(item);
    kept.push(items);
    times.thread += middle - start;
    times.loop += performance.now() - middle;
  }
  times.runs++;
}

function measure(seconds) {
  const times = { thread: 0, loop: 0, runs: 0 };
  const end = performance.now() + seconds * 1000;
  do convert(times);
  while (performance.now() < end);
  const { thread, loop, runs } = times;
  return { thread: (thread * 1000) / runs, loop: (loop * 1000) / runs };
}

const first = measure(0).loop;
measure(WARM_UP);
console.log(JSON.stringify({ ...measure(SECONDS), first, sum }));
