// The server of every Node.js contender. Arguments: the module to use as net, 'bulk' or 'connections'.
'use strict';

const [, , moduleName, load] = process.argv;
const net = require(moduleName);
const chunk = Buffer.alloc(256 * 1024, 'x');

function fill(socket) {
  while (!socket.destroyed && socket.write(chunk));
}

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  if (load === 'bulk') socket.on('drain', () => fill(socket)) && fill(socket);
  else socket.end('x');
});
server.listen(0, () => console.log(server.address().port));
