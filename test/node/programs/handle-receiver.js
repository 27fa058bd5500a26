'use strict';

// Receives a socket or a server from its parent, and answers on each connection: with its status,
// then with the received text in capitals.

const { input } = require('../support/program');

const { loads } = input();

function serve(socket) {
  const status = loads ? require('mptcp').connectionOf(socket).status : 'not asked';
  socket.setEncoding('utf8').on('data', (text) => socket.write(text.toUpperCase()));
  socket.on('end', () => socket.end());
  socket.write(`${status}\n`);
  socket.resume();
}

process.on('message', (message, handle) => {
  if (message === 'socket') serve(handle);
  if (message === 'server') handle.on('connection', serve);
  if (message === 'exit') process.disconnect();
  process.send(message);
});
