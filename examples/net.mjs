// A server and a client over Multipath TCP: only the import differs from node:net.
import { connectionOf } from 'mptcp';
import * as net from 'mptcp/net';

const server = net.createServer((socket) => {
  console.log('server:', connectionOf(socket).status);
  socket.pipe(socket);
});

server.listen(0, '127.0.0.1', () => {
  const socket = net.connect(server.address().port, '127.0.0.1', () => {
    const connection = connectionOf(socket);
    console.log('client:', connection.status);
    for (const { local, remote } of connection.subflows()) {
      console.log('subflow:', local.address, '->', remote.address);
    }
    socket.end('hello');
  });
  socket.on('data', (data) => console.log('echo:', data.toString()));
  socket.on('close', () => server.close());
});
