/** Tests what clients without this package cost a server that follows their subflows. */
import { describeKernel } from '../lab/jest';
import { manage } from './peers/managed-peer';
import { Peer } from './peers/peer';
import { Strangers } from './peers/strangers';

const SUBFLOWS = 7;
const STORMS = 3;
/** The CPU time that a turn of the event loop may take, in milliseconds. */
const LONGEST_TURN = 100;
/** The CPU time that an event may take of the main thread, in milliseconds; it takes 0.1 ms. */
const MOST_PER_EVENT = 0.6;

/** What peers/costs.js exports. */
interface Costs {
  counts: Record<'readsOfInterfaces' | 'readsOfSockets' | 'longestTurn', number>;
  counter: (name: string) => number;
  cpu: () => number;
}

/** Listens, follows each connection, and counts both connections and their events. */
function serve(server: Peer, host: string): Promise<number> {
  return server.run(({ mptcp, net, listen, state }, at) => {
    state.received = 0;
    const server = net.createServer((socket) => {
      state.sockets.push(socket);
      socket.on('error', () => undefined).pipe(socket);
      mptcp
        .connectionOf(socket)
        .on('subflowEstablished', () => state.received++)
        .on('subflowClosed', () => state.received++);
    });
    return listen(server, at);
  }, host);
}

describeKernel('clients without this package', { needs: ['mptcpize'] }, () => {
  test('500 that make and drop 7 subflows each, again and again', async () => {
    const CONNECTIONS = 500;
    await using lab = new Strangers({ connections: CONNECTIONS, subflows: SUBFLOWS });
    const server = await Peer.start(lab.server);
    await manage(server, [['fullmesh'], ['heal']]);
    const port = await serve(server, lab.address);
    await lab.connect(port);
    const begun = await server.run(({ state }) => {
      const { counts, cpu } = require('./costs.js') as Costs;
      return { ...counts, accepted: state.sockets.length, cpu: cpu(), at: performance.now() };
    });
    expect(begun.accepted).toBe(CONNECTIONS);

    for (let n = 0; n < STORMS; n++) {
      lab.makeSubflows();
      lab.dropSubflows();
    }
    const events = 2 * SUBFLOWS * CONNECTIONS * STORMS;
    const ended = await server.run(async ({ state, until }, expected) => {
      const { counts, cpu } = require('./costs.js') as Costs;
      await until(() => state.received >= expected);
      return { ...counts, cpu: cpu(), at: performance.now() };
    }, events);
    expect(ended.longestTurn).toBeLessThan(LONGEST_TURN);
    expect((ended.cpu - begun.cpu) / events).toBeLessThan(MOST_PER_EVENT);
    const seconds = (ended.at - begun.at) / 1000;
    expect(ended.readsOfInterfaces - begun.readsOfInterfaces).toBeLessThan(1 + 5 * seconds);
  });

  test('a connection is read once for all events that arrive together', async () => {
    await using lab = new Strangers({ connections: 1, subflows: SUBFLOWS });
    const server = await Peer.start(lab.server);
    const port = await serve(server, lab.address);
    await lab.connect(port);
    const counted = server.run(({ state }, subflows) => {
      const { counts, counter } = require('./costs.js') as Costs;
      // Meanwhile the event loop does not turn, and the events wait.
      while (counter('MPJoinAckRx') < subflows);
      const before = counts.readsOfSockets;
      return new Promise<number>((resolve) => {
        setImmediate(function wait(): void {
          if (state.received < subflows) setImmediate(wait);
          else resolve(counts.readsOfSockets - before);
        });
      });
    }, SUBFLOWS);
    lab.makeSubflows();
    expect(await counted).toBeLessThanOrEqual(3); // for the events one, and polls in between
  });
});
