'use strict';

// Serves the listening sockets that it inherits as from systemd (sd_listen_fds(3)): LISTEN_FDS of
// them, from file descriptor 3. Sends the status of each connection to its client.

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
