/**
 * Tests of `denyJoinId0` in events: reported where the kernel reports it, and probed without a
 * trace.
 */
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { Peer } from './peers/peer';

/** Connects a peer to itself over loopback; returns `denyJoinId0` of the client's event. */
function connect(peer: Peer): Promise<boolean | undefined> {
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

describeKernel('denyJoinId0 of the established event', {}, () => {
  let host: Namespace;
  const allow = (value: 0 | 1) => host.sysctl('net.mptcp.allow_join_initial_addr_port', value);
  beforeEach(() => {
    host = new Namespace('host');
  });
  afterEach(() => host.dispose());

  test('is true for a peer that denies joins, and false only once the kernel is known to report it', async () => {
    const [probed, unprobed] = await Promise.all([Peer.start(host), Peer.start(host)]);
    await probed.run(async ({ mptcp }) => {
      const pm = await mptcp.PathManager.open();
      await pm.mode.set('userspace');
      await pm.close();
    });
    expect(await connect(probed)).toBe(false);
    allow(0);
    expect(await connect(probed)).toBe(true);
    expect(await connect(unprobed)).toBe(true);
    allow(1);
    expect(await connect(unprobed)).toBe(false);
  });

  test('is probed without emitting events or changing settings', async () => {
    const peer = await Peer.start(host);
    const emitted = await peer.run(async ({ mptcp, until }) => {
      const pm = await mptcp.PathManager.open();
      const events = pm.events();
      const types: string[] = [];
      events.on('event', ({ type }) => types.push(type));
      await events.ready;
      await pm.mode.set('userspace');
      await pm.mode.set('kernel');
      // An event of this endpoint comes after those of anything before.
      await pm.endpoints.add({ address: '127.0.0.1', port: 9001, signal: true });
      await until(() => types.includes('listenerCreated'));
      await pm.close();
      return types;
    });
    expect(emitted).toEqual(['listenerCreated']);
    expect(host.sysctl('net.mptcp.allow_join_initial_addr_port')).toBe('1');
  });
});
