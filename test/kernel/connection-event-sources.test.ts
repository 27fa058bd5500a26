/**
 * Tests that each event of a connection is emitted once and names its source, with and without
 * privilege.
 */
import type { Socket } from 'node:net';
import type { Connection, ConnectionEvent } from '../../lib';
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';

/** Notes every event in `state.messages`, from when nothing is missed any more. */
const listen = async ({ state }: Inside) => {
  const seen: unknown[] = (state.messages = []);
  const events = state.connection.events();
  events.on('event', (event) => void seen.push(event));
  await events.ready;
};
const eventsOf = (peer: Peer) => peer.run(({ state }) => state.messages as ConnectionEvent[]);
const untilTold = async (peer: Peer, type: ConnectionEvent['type'], count = 1) => {
  await peer.run(
    ({ state, until }, name, number) =>
      until(
        () =>
          (state.messages as ConnectionEvent[]).filter((event) => event.type === name).length >=
          number,
      ),
    type,
    count,
  );
  return (await eventsOf(peer)).filter((event) => event.type === type).at(-1);
};

async function connected(lab: Hosts, unprivileged: boolean) {
  const [server, client] = await Promise.all([
    Peer.start(lab.server, { unprivileged }),
    Peer.start(lab.client, { unprivileged }),
  ]);
  const port = await server.run(echoes.net.serve);
  const host = lab.paths[0]!.server.address;
  await client.run(echoes.net.ask, 'mptcp', { host, port });
  await Promise.all([client.run(listen), server.run(listen)]);
  return { server, client };
}

interface Watched {
  socket: Socket;
  connection: Connection;
  seen: ConnectionEvent[];
}

/** Connections with listeners; those that follow find them in the state. */
const openMany = async (
  { net, mptcp, once, state }: Inside,
  count: number,
  { host, port }: { host: string; port: number },
) => {
  const open = async (): Promise<Watched> => {
    const socket = net.connect(port, host);
    await once(socket, 'connect');
    socket.write('hello');
    await once(socket, 'data'); // the peer has it: subflows can be added
    const connection = mptcp.connectionOf(socket);
    const seen: ConnectionEvent[] = [];
    for (const name of ['subflowEstablished', 'subflowClosed'] as const) {
      connection.on(name, (event: ConnectionEvent) => seen.push(event));
    }
    return { socket, connection, seen };
  };
  const { many = [] } = state as unknown as Partial<Many>;
  many.push(...(await Promise.all(Array.from({ length: count }, open))));
  Object.assign(state, { many });
};
const untilEach = ({ state, until }: Inside, count: number) =>
  until(
    () => (state as unknown as Many).many.every(({ seen }) => seen.length >= count),
    30_000, // they are polled in turns
  );
/** How many received an event of a subflow that is theirs. */
const ownSubflows = ({ state }: Inside) =>
  (state as unknown as Many).many.filter(({ connection, seen: [event] }) =>
    connection
      .subflows()
      .some(
        ({ local }) =>
          event?.type === 'subflowEstablished' && local.port === event.subflow.local.port,
      ),
  ).length;
/** Returns the sequences of events that they received, without duplicates. */
const endMany = ({ state }: Inside) => {
  const { many } = state as unknown as Many;
  for (const { socket } of many) socket.destroy();
  return Array.from(new Set(many.map(({ seen }) => seen.map(({ type }) => type).join(' '))));
};
interface Many {
  many: Watched[];
}

const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

describeKernel('where the events of a connection come from', {}, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    describe.each([
      ['kernel', false],
      ['watch', true],
    ] as const)('%s', (source, unprivileged) => {
      test('subflows and their priorities, on both sides', async () => {
        await using lab = await twoPaths({ family, join: 'none' });
        const { server, client } = await connected(lab, unprivileged);
        const [, second] = lab.paths;
        const sides = [
          [client, 'local'],
          [server, 'remote'],
        ] as const;
        const change = (...how: string[]) =>
          lab.client.ip('mptcp', 'endpoint', ...how.slice(0, 1), 'id', '7', ...how.slice(1));

        second.client.addEndpoint('subflow', 'id', '7');
        for (const [peer, side] of sides) {
          const subflow = { [side]: { address: second.client.address } };
          expect(await untilTold(peer, 'subflowEstablished')).toMatchObject({ source, subflow });
          // A subflow that becomes backup from now on is to be reported.
          await peer.run(({ state }) => state.connection.events().ready);
        }
        for (const [number, wish] of ['backup', 'nobackup'].entries()) {
          change('change', wish);
          for (const [peer, side] of sides) {
            expect(await untilTold(peer, 'subflowPriority', number + 1)).toMatchObject({
              source: side === 'local' ? 'watch' : source, // the kernel has no event for this side's own
              subflow: { [side]: { address: second.client.address } },
              backup: wish === 'backup',
              side,
            });
          }
        }
        change('delete');
        for (const [peer] of sides) {
          expect(await untilTold(peer, 'subflowClosed')).toMatchObject({ source });
        }
        await client.run(({ state }) => void state.socket.end());
        for (const [peer] of sides) {
          expect(await untilTold(peer, 'closed')).toMatchObject({ source: 'watch' });
          const types = (await eventsOf(peer)).map(({ type }) => type);
          // Deleting an endpoint withdraws its address, and the kernel reports it on the peer's side.
          expect(types.filter((type) => type !== 'removed')).toEqual([
            'subflowEstablished',
            'subflowPriority',
            'subflowPriority',
            'subflowClosed',
            'closed',
          ]);
        }
      });

      test.each(['server', 'client'] as const)('addresses that the %s announces', async (side) => {
        await using lab = await twoPaths({ family, join: 'none' });
        // A server can reach its client at a port of the announcement's own alone. For IPv6 that fits
        // where there are no timestamps.
        const withPort = side === 'client' && source === 'watch';
        for (const host of [lab.server, lab.client]) host.sysctl('net.ipv4.tcp_timestamps', 0);
        const { server, client } = await connected(lab, unprivileged);
        const [, second] = lab.paths;
        const peer = side === 'server' ? client : server;
        second[side].addEndpoint('signal', 'id', '9', ...(withPort ? ['port', '9009'] : []));
        const { address } = second[side];
        const known = { remoteId: 9, address, port: expect.any(Number) as number };
        expect(await untilTold(peer, 'announced')).toEqual({
          ...{ type: 'announced', source },
          ...(source === 'kernel' && known),
        });
        if (side === 'server' || withPort) await untilTold(peer, 'subflowEstablished');
        // The kernel alone reports the attempt, and counts the address as accepted for good.
        else {
          expect(await untilTold(server, 'subflowClosed')).toMatchObject({
            ...{ source, error: 'ECONNREFUSED' },
            subflow: { remote: { address: second.client.address } },
          });
        }
        lab[side].ip('mptcp', 'endpoint', 'delete', 'id', '9');
        expect(await untilTold(peer, 'removed')).toEqual({
          ...{ type: 'removed', source },
          ...(source === 'kernel' && known),
        });
      });
    });

    test('two hundred connections: each emits its own subflow, once', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const port = await server.run(echoes.net.serve);
      const threads = await client.run((inside) => inside.threads());
      await client.run(openMany, 200, { host: lab.paths[0].server.address, port });

      lab.paths[1].client.addEndpoint('subflow', 'id', '7');
      await client.run(untilEach, 1);
      expect(await client.run(ownSubflows)).toBe(200);
      lab.client.ip('mptcp', 'endpoint', 'delete', 'id', '7');
      await client.run(untilEach, 2);
      expect(await client.run(endMany)).toEqual(['subflowEstablished subflowClosed']);
      // The listener goes with the last connection.
      await client.run((inside, most) => inside.until(() => inside.threads() <= most), threads);
    });
  });

  test('one listener for all, opened with the first and closed after the last', async () => {
    await using lab = await twoPaths({ join: 'none' });
    const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    const target = { host: lab.paths[0].server.address, port: await server.run(echoes.net.serve) };
    const before = await client.run((inside) => inside.threads());
    const untilThreads = (number: number) =>
      client.run((inside, expected) => inside.until(() => inside.threads() === expected), number);

    await client.run(openMany, 1, target);
    await untilThreads(before + 1);
    await client.run(openMany, 5, target);
    await untilThreads(before + 1);
    await client.run(endMany);
    await untilThreads(before);
  });

  test.each([
    ['kernel', []],
    ['watch', ['setpriv', ...NOBODY]],
  ] as const)('a worker thread has its own: %s', async (source, unprivileged) => {
    await using lab = await twoPaths({ join: 'none' });
    const server = await Peer.start(lab.server);
    const port = await server.run(echoes.net.serve);
    const inWorker = `
      const { parentPort } = require('node:worker_threads');
      const { connect } = require('./dist/net.js');
      const { connectionOf } = require('./dist/index.js');
      const socket = connect(${port}, '${lab.paths[0].server.address}', () => socket.write('x'));
      socket.once('data', async () => {
        const events = connectionOf(socket).events();
        events.on('event', ({ type, source }) => parentPort.postMessage({ type, source }));
        await events.ready;
        parentPort.postMessage({ type: 'ready' });
      });`;
    const program = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true });
      worker.on('message', (message) => console.log(JSON.stringify(message)));
      process.stdin.once('data', () => process.stdin.destroy() && worker.terminate());`;
    const command = [...unprivileged, process.execPath, '-e', program];
    const child = lab.client.spawn(command[0]!, command.slice(1));
    await child.line(/ready/);
    lab.paths[1].client.addEndpoint('subflow');
    const [line] = await child.line(/.*"subflowEstablished".*/);
    expect(JSON.parse(line)).toEqual({ type: 'subflowEstablished', source });
    child.stdin.write('\n');
    await child.success(); // ends clean, although the worker was watching
  });
});
