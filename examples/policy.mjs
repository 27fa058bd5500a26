// A policy that opens a subflow over each interface, and replaces those that go dark. By default it
// only reports; with `node examples/policy.mjs userspace` it acts, which needs CAP_NET_ADMIN and takes
// over the path management of the whole network namespace while it runs.
import { connectionOf, PathManager, policies } from 'mptcp';
import * as net from 'mptcp/net';

const pm = await PathManager.open();
const by = process.argv[2] ?? 'report';
if (by === 'userspace') await pm.mode.set('userspace');
const managed = pm.manage(policies.all(policies.perInterface(), policies.heal()), { by });
managed
  .on('action', ({ type, reason }) => console.error(type, reason))
  .on('dark', ({ local, reason }) => console.error('dark:', local.address, reason))
  .on('alive', ({ local }) => console.error('alive:', local.address));
await managed.ready;

const server = net.createServer((socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1', () => {
  const socket = net.connect(server.address().port, '127.0.0.1', () => socket.write('hello'));
  socket.on('data', async (chunk) => {
    console.log('echo:', String(chunk));
    console.log('client:', connectionOf(socket).status);
    socket.end();
    server.close();
    await pm.close(); // restores the mode
  });
});
