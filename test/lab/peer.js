'use strict';

// A program without any MPTCP code. It speaks TCP by default, MPTCP under mptcpize or with this
// package preloaded, and prints JSON lines.
//   node peer.js serve <address> <bytes>   answers every connection with the same bytes
//   node peer.js fetch <address> <port>    reads them; prints its progress and the result

const { createHash, randomBytes } = require('node:crypto');
const net = require('node:net');
const { Readable } = require('node:stream');

const MEGABYTE = 1e6;

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

function* repeat(block, bytes) {
  for (; bytes > 0; bytes -= block.length) yield block.subarray(0, bytes);
}

function serve(address, bytes) {
  const block = randomBytes(65_537);
  const hash = createHash('sha256');
  for (const part of repeat(block, bytes)) hash.update(part);
  const server = net.createServer((socket) => {
    socket.on('error', ({ code }) => print({ error: code }));
    Readable.from(repeat(block, bytes), { objectMode: false }).pipe(socket);
  });
  server.listen(0, address, () =>
    print({ port: server.address().port, sha256: hash.digest('hex') }),
  );
}

function fetch(address, port) {
  const hash = createHash('sha256');
  const start = performance.now();
  let bytes = 0;
  let longestStall = 0;
  let connected;
  let last;
  const socket = net.connect(port, address, () => (last = connected = performance.now()));
  socket.on('data', (chunk) => {
    hash.update(chunk);
    const now = performance.now();
    longestStall = Math.max(longestStall, now - last);
    last = now;
    if (Math.floor((bytes + chunk.length) / MEGABYTE) > Math.floor(bytes / MEGABYTE))
      print({ progress: bytes + chunk.length });
    bytes += chunk.length;
  });
  socket.on('error', ({ code }) => print({ error: code }));
  socket.on('close', () =>
    print({
      bytes,
      sha256: hash.digest('hex'),
      connectMs: connected - start,
      transferMs: last - connected,
      longestStall,
    }),
  );
}

const [command, address, number] = process.argv.slice(2);
(command === 'serve' ? serve : fetch)(address, Number(number));
