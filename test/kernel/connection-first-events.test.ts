/**
 * Tests that a connection's events are complete from its first moment: for whoever listens before it
 * is made, subflows that come and go before this process handles 'connect' included.
 */
import type { ConnectionEvent } from '../../lib';
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';

/** `unready` connects before the channel of events is open, `busy` handles all that happens late. */
type How = 'unready' | 'ready' | 'busy';

interface Target {
  host: string;
  port: number;
}

/** Connects a socket that listeners watch already, and returns what they receive of subflows. */
const connectWatched = async (
  { mptcp, net, once, state, until }: Inside,
  target: Target,
  count: number,
  how: How,
) => {
  const socket = new net.Socket();
  const connection = mptcp.connectionOf(socket);
  const seen: ConnectionEvent[] = [];
  connection.on('subflowEstablished', (event) => void seen.push(event));
  connection.on('subflowClosed', (event) => void seen.push(event));
  state.socket = socket;
  if (how !== 'unready') await connection.events().ready;
  socket.connect(target);
  if (how === 'busy') {
    await new Promise(setImmediate);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
  await once(socket, 'connect');
  socket.write('hello');
  await until(() => seen.length >= count);
  return seen.map(({ type, source }) => `${type} ${source}`);
};

describeKernel('the first events of a connection', {}, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    const peers = async (limit: number, unprivileged = false) => {
      const lab = await twoPaths({ family });
      lab.server.limits({ subflows: limit, addAddrAccepted: 0 });
      const server = await Peer.start(lab.server);
      const client = await Peer.start(lab.client, { unprivileged });
      const target = {
        host: lab.paths[0].server.address,
        port: await server.run(echoes.net.serve),
      };
      return { target, client, [Symbol.asyncDispose]: () => lab.dispose() };
    };

    test.each(['unready', 'ready', 'busy'] as const)(
      'a join that the peer refuses, %s',
      async (how) => {
        await using lab = await peers(0);
        expect(await lab.client.run(connectWatched, lab.target, 2, how)).toEqual([
          'subflowEstablished kernel',
          'subflowClosed kernel',
        ]);
      },
    );

    test('a join that succeeds is reported once', async () => {
      await using lab = await peers(4);
      expect(await lab.client.run(connectWatched, lab.target, 1, 'busy')).toEqual([
        'subflowEstablished kernel',
      ]);
    });

    test('a join that succeeds is reported without privilege', async () => {
      await using lab = await peers(4, true);
      expect(await lab.client.run(connectWatched, lab.target, 1, 'busy')).toEqual([
        'subflowEstablished watch',
      ]);
    });

    test('sockets that never connect keep no channel open', async () => {
      await using lab = await peers(4);
      const threads = await lab.client.run(async ({ mptcp, net, threads: count, until }, host) => {
        const before = count();
        const sockets = [new net.Socket(), net.connect({ host, port: 9 })];
        for (const socket of sockets) {
          socket.on('error', () => undefined);
          mptcp.connectionOf(socket).on('subflowClosed', () => undefined);
        }
        await mptcp.connectionOf(sockets[0]!).events().ready;
        const during = count();
        for (const socket of sockets) socket.destroy();
        await until(() => count() <= before);
        return during - before;
      }, lab.target.host);
      expect(threads).toBe(1);
    });
  });
});
