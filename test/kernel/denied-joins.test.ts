import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { Peer } from './peers/peer';

/** Connects to itself over the loopback; gives what the client's event says of its peer. */
function begin(peer: Peer): Promise<boolean | undefined> {
  return peer.run(async ({ mptcp, net, once }) => {
    const pm = await mptcp.PathManager.open();
    const events = pm.events();
    await events.ready;
    const server = net.createServer((socket) => socket.on('error', () => undefined).resume());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const established = new Promise<boolean | undefined>((resolve) =>
      events.on('established', ({ serverSide, denyJoinId0 }) => {
        if (!serverSide) resolve(denyJoinId0);
      }),
    );
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('x');
    const denied = await established;
    socket.destroy();
    server.close();
    await pm.close();
    return denied;
  });
}

describeKernel('a peer that denies joins', {}, () => {
  let host: Namespace;
  const allow = (value: 0 | 1) => host.sysctl('net.mptcp.allow_join_initial_addr_port', value);
  beforeEach(() => {
    host = new Namespace('host');
  });
  afterEach(() => host.dispose());

  test('is told of; that one does not is told once it is known that the kernel would say it', async () => {
    const [knows, learns] = await Promise.all([Peer.start(host), Peer.start(host)]);
    await knows.run(async ({ mptcp }) => {
      const pm = await mptcp.PathManager.open();
      await pm.mode.set('userspace');
      await pm.close();
    });
    expect(await begin(knows)).toBe(false);
    allow(0);
    expect(await begin(knows)).toBe(true);
    expect(await begin(learns)).toBe(true);
    allow(1);
    expect(await begin(learns)).toBe(false);
  });

  test('is looked for without a trace', async () => {
    const peer = await Peer.start(host);
    const told = await peer.run(async ({ mptcp, until }) => {
      const pm = await mptcp.PathManager.open();
      const events = pm.events();
      const types: string[] = [];
      events.on('event', ({ type }) => types.push(type));
      await events.ready;
      await pm.mode.set('userspace');
      await pm.mode.set('kernel');
      // Something of which it tells: what came before has come by then.
      await pm.endpoints.add({ address: '127.0.0.1', port: 9001, signal: true });
      await until(() => types.includes('listenerCreated'));
      await pm.close();
      return types;
    });
    expect(told).toEqual(['listenerCreated']);
    expect(host.sysctl('net.mptcp.allow_join_initial_addr_port')).toBe('1');
  });
});
