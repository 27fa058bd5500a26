// Counts what connections cost a peer: the turns of its event loop, what it reads of its interfaces and
// of its sockets. A function that runs in the peer loads it by require('./costs.js').
'use strict';

const { readFileSync } = require('node:fs');
const os = require('node:os');
const { loadNative } = require('../../../dist/kernel/addon.js');

const counts = { readsOfInterfaces: 0, readsOfSockets: 0, longestTurn: 0 };

/** The CPU time of the main thread in milliseconds, in which other processes do not count. */
const cpu = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;

/** A counter of the namespace, such as MPJoinAckRx, read without waiting. */
function counter(name) {
  const [names, values] = readFileSync('/proc/net/netstat', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('MPTcpExt:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf(name)]);
}

/** Makes each call of a method count. */
function count(object, method, name) {
  const original = object[method];
  object[method] = (...args) => {
    counts[name]++;
    return original.apply(object, args);
  };
}

count(os, 'networkInterfaces', 'readsOfInterfaces');
count(loadNative(), 'fullInfo', 'readsOfSockets');

let last = cpu();
setInterval(() => {
  const now = cpu();
  counts.longestTurn = Math.max(counts.longestTurn, now - last);
  last = now;
}, 1).unref();

module.exports = { counts, counter, cpu };
