/** Tests that a connection's events are complete although the kernel lost messages. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionEvent } from '../../lib';
import type * as KernelEventsModule from '../../lib/events/kernel-source';
import { whileHalted } from '../lab/halted-thread';
import { describeKernel } from '../lab/jest';
import type { Namespace } from '../lab/namespace';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { echoes } from './peers/echoes';
import { Peer } from './peers/peer';

const GENERIC = 16; // NETLINK_GENERIC
const LONG = 30_000; // ms

/** Of the sockets for the kernel's events: bytes that wait, and messages that were lost. */
function eventSockets(host: Namespace): { waiting: number; lost: number } {
  // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
  const listening = host
    .exec('cat', ['/proc/net/netlink'])
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, protocol, , groups]) => Number(protocol) === GENERIC && Number(`0x${groups}`) > 0);
  const sum = (column: number): number =>
    listening.reduce((all, columns) => all + Number(columns[column]), 0);
  return { waiting: sum(4), lost: sum(8) };
}

/** Those that are opened from now on have the smallest receive buffer. */
const shrinkBuffers = (peer: Peer): Promise<void> =>
  peer.run(
    (_inside, path) => {
      const load = require as unknown as (name: string) => typeof KernelEventsModule;
      const loaded = load(path);
      const { KernelEvents } = loaded;
      Object.assign(loaded, {
        KernelEvents: class extends KernelEvents {
          constructor(...[netns, options, ...rest]: ConstructorParameters<typeof KernelEvents>) {
            super(netns, { ...options, receiveBuffer: 1 }, ...rest);
          }
        },
      });
    },
    join(__dirname, '..', '..', 'dist', 'events', 'kernel-source.js'),
  );

/** Listens and stops so many times; the kernel has an event for each. */
const listenOften = (peer: Peer, count: number): Promise<void> =>
  peer.run(({ net }, times) => {
    for (let i = 0; i < times; i++) net.createServer().listen(0).close();
  }, count);

/** The thread that reads the kernel's events, as the library names it. */
function readerOf({ process: { pid } }: Peer): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const isReader = (thread: string): boolean =>
    readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8') === 'mptcp-events\n';
  return Number(threads.find(isReader));
}

describeKernel('a connection whose events the kernel has lost', {}, () => {
  test.each(FAMILIES)('IPv%s: what has changed is found by a dump', async (family) => {
    await using lab = await twoPaths({ family, join: 'none' });
    const folder = await mkdtemp(join(tmpdir(), 'mptcp-'));
    const resume = join(folder, 'resume');
    try {
      const [server, client, other] = await Promise.all([
        Peer.start(lab.server),
        Peer.start(lab.client),
        Peer.start(lab.client),
      ]);
      const port = await server.run(echoes.net.serve);
      const host = lab.paths[0].server.address;
      await client.run(echoes.net.ask, 'mptcp', { host, port });
      lab.paths[1].client.addEndpoint('subflow', 'id', '7');
      const joined = (count: number) =>
        server.run(
          ({ state, until: wait }, expected) =>
            wait(() => state.connection.subflows().length === expected),
          count,
        );
      await joined(2);
      await shrinkBuffers(client);
      await client.run(async ({ state }) => {
        state.messages = [];
        // Without 'subflowPriority', for which subflows are dumped every now and then.
        for (const name of ['subflowEstablished', 'subflowClosed'] as const) {
          state.connection.on(name, (event: unknown) => void state.messages.push(event));
        }
        const events = state.connection.events();
        await events.ready;
        await events.close();
      });
      // Its JavaScript waits too, so that no poll comes first.
      const waiting = client.run(({ exists }, file) => {
        const memory = new Int32Array(new SharedArrayBuffer(4));
        while (!exists(file)) Atomics.wait(memory, 0, 0, 5);
      }, resume);
      await whileHalted(readerOf(client), async () => {
        while (eventSockets(lab.client).lost === 0) await listenOften(other, 10);
        lab.client.ip('mptcp', 'endpoint', 'delete', 'id', '7');
        await joined(1);
      });
      await until('all was read', () => eventSockets(lab.client).waiting === 0, LONG);
      writeFileSync(resume, '');
      await waiting;
      await client.run(({ state, until: wait }) => wait(() => state.messages.length > 0));
      // From then on the kernel's messages arrive again.
      lab.paths[1].client.addEndpoint('subflow', 'id', '8');
      await client.run(({ state, until: wait }) => wait(() => state.messages.length > 1));
      const events = await client.run(({ state }) => state.messages as ConnectionEvent[]);
      const subflow = { local: { address: lab.paths[1].client.address } };
      expect(events).toMatchObject([
        { type: 'subflowClosed', source: 'dump', subflow },
        { type: 'subflowEstablished', source: 'kernel', subflow },
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
