'use strict';

// Serves the listening sockets that it was given as systemd gives them (sd_listen_fds(3)): from file
// descriptor 3 on, LISTEN_FDS of them. Prints what it can say of each connection.

const { connectionOf } = require('mptcp');
const { input, print } = require('../support/program');

const { from, mptcp } = input();
const net = require(`${from}net`);

for (let i = 0; i < Number(process.env.LISTEN_FDS); ++i) {
  net
    .createServer(mptcp ? { mptcp } : {}, (socket) => {
      socket.end(connectionOf(socket).status);
    })
    .on('error', ({ code }) => print({ error: code }))
    .listen({ fd: 3 + i }, () => print({ listening: i }));
}
process.stdin.resume().on('end', () => process.exit());
