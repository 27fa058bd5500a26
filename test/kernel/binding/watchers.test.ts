/** Tests of the addon's watchers of path manager events and of interfaces. */
import { readFileSync } from 'node:fs';
import type {
  NativeCommand,
  NativeEvent,
  NativeInterfaceChange,
  NativeLink,
} from '../../../types/native';
import { whileHalted } from '../../lab/halted-thread';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';
import { until } from '../../lab/until';
import { Peer } from '../peers/peer';
import { Delivered, answer, closing, native } from './native';

const CREATED = 1;
const ESTABLISHED = 2;
const CLOSED = 3;
const SUB_ESTABLISHED = 10;
const LISTENER_CREATED = 15;
const LISTENER_CLOSED = 16;

/** A command to add an endpoint with a port, for which the kernel listens and emits an event. */
const listening = (id: number): NativeCommand => ({
  command: 'addEndpoint',
  endpoint: { id, address: '127.0.0.1', port: 5000 + id, flags: 1, interface: 0 },
});

const watchEvents = async (
  host: Namespace,
  options: { queue?: number; receiveBuffer?: number },
) => {
  const events = new Delivered<NativeEvent>();
  const watcher = closing(
    new native.EventWatcher(host.name, { queue: 1000, ...options }, events.deliver),
  );
  await events.opened();
  return { events, watcher, [Symbol.asyncDispose]: () => watcher[Symbol.asyncDispose]() };
};

/** Blocks JavaScript until a thread has emptied its netlink sockets and waits for more. */
function waitUntilRead(thread: number): void {
  const read = (name: string) => readFileSync(`/proc/self/task/${thread}/${name}`, 'utf8');
  const unread = () => {
    const [, ...sockets] = read('net/netlink').trim().split('\n');
    return sockets.some((line) => line.trim().split(/\s+/)[4] !== '0'); // Rmem
  };
  const deadline = performance.now() + 30_000;
  while (unread() || !read('stat').includes(') S ')) {
    if (performance.now() > deadline) throw new Error('timed out: the thread does not read');
  }
}

describeKernel('EventWatcher', {}, () => {
  let host: Namespace;
  beforeEach(() => (host = new Namespace('events')));
  afterEach(() => host.dispose());

  test('delivers the kernel’s events, decoded on its own thread', async () => {
    await using watch = await watchEvents(host, {});
    const { events } = watch;
    expect(watch.watcher.threadId).not.toBe(process.pid);
    host.ip('address', 'add', '10.0.0.1/32', 'dev', 'lo');
    host.limits({ subflows: 2, addAddrAccepted: 2 });
    host.addEndpoint('10.0.0.1', 'id', '9', 'subflow');

    const [server, client] = [await Peer.start(host), await Peer.start(host)];
    const port = await server.run(({ net, listen }) =>
      listen(
        net.createServer((socket) => void socket.write('x')),
        '0.0.0.0',
      ),
    );
    const token = await client.run(async ({ net, mptcp, once, state }, port) => {
      state.socket = net.connect(port, '127.0.0.1');
      await once(state.socket, 'data'); // a first byte: the connection is fully established
      return mptcp.connectionOf(state.socket).token!;
    }, port);
    expect(await events.find('the listener', ({ type }) => type === LISTENER_CREATED)).toEqual({
      ...{ type: LISTENER_CREATED, family: 2, local: { address: '0.0.0.0', port } },
    });
    const own = (type: number) => (event: NativeEvent) =>
      event.type === type && event.token === token;
    const joined = await events.find('the second subflow', own(SUB_ESTABLISHED));
    expect(joined).toMatchObject({
      ...{ localId: 9, remoteId: 0, backup: false, family: 2 },
      local: { address: '10.0.0.1' },
      remote: { address: '127.0.0.1', port },
    });
    expect(joined.local!.port).toBeGreaterThan(0);
    expect(events.items.find(own(CREATED))).toMatchObject({ serverSide: false });
    expect(events.items.find(own(ESTABLISHED))).toMatchObject({ remote: { port } });
    const other = events.items.find(({ type, token: its }) => type === CREATED && its !== token);
    expect(other).toMatchObject({ serverSide: true, local: { address: '127.0.0.1', port } });
    await client.run(({ state }) => void state.socket.resetAndDestroy());
    expect(await events.find('the end', own(CLOSED))).toEqual({ type: CLOSED, token });
    expect(events.overruns).toEqual([]);
  });

  test('delivers nothing after close()', async () => {
    const { events, watcher } = await watchEvents(host, {});
    const { threadId } = watcher;
    // JavaScript is blocked while ip(8) runs, so the event is still in the thread's queue.
    host.addEndpoint('127.0.0.1', 'port', '5001', 'signal');
    watcher.close();
    await watcher[Symbol.asyncDispose]();
    expect(events.calls).toBe(1);
    expect(watcher.threadId).toBe(threadId);
    watcher.ref();
    watcher.close();
  });

  test('counts the events that do not fit into the queue of a slow consumer', async () => {
    await using watch = await watchEvents(host, { queue: 4 });
    const { events } = watch;
    // JavaScript continues only when the thread has read all of them.
    const lines = Array.from({ length: 8 }, (_, i) =>
      [
        `endpoint add 127.0.0.1 port ${5001 + i} id ${i + 1} signal`,
        `endpoint delete id ${i + 1}`,
      ].join('\n'),
    );
    const batch = lines.join('\n').replaceAll(/^/gm, 'mptcp ');
    host.exec('ip', ['-batch', '-'], { input: `${batch}\n` });
    waitUntilRead(watch.watcher.threadId);
    const lost = () => events.overruns.reduce((sum, count) => sum + count, 0);
    await until('all events', () => events.items.length + lost() === 16);
    expect(events.items.map(({ type }) => type)).toEqual([
      ...[LISTENER_CREATED, LISTENER_CLOSED, LISTENER_CREATED, LISTENER_CLOSED],
    ]);
    expect(events.overruns).toEqual([12]);

    // The count is delivered before later events.
    await using commands = closing(new native.Commands(host.name));
    await answer((done) => commands.run([listening(1)], done));
    await until('the next event', () => events.items.length === 5);
    expect(events.overruns).toEqual([12]);
  });

  test('reports an overrun of the socket without a count, and continues', async () => {
    await using watch = await watchEvents(host, { receiveBuffer: 1 });
    const { events } = watch;
    await using commands = closing(new native.Commands(host.name));
    // The smallest buffer holds two or three events.
    const burst = [1, 2, 3, 4, 5, 6, 7, 8].map(listening);
    await whileHalted(watch.watcher.threadId, () =>
      answer((done) => commands.run([...burst, { command: 'flushEndpoints' }], done)),
    );
    await until('an overrun', () => events.overruns.length > 0);
    expect(new Set(events.overruns)).toEqual(new Set([-1]));
    await answer((done) => commands.run([listening(77)], done));
    await events.find('a later event', ({ local }) => local?.port === 5077);
  });

  test('reports by its callback that it cannot watch', async () => {
    const none = new Delivered<NativeEvent>();
    const watcher = new native.EventWatcher('no such namespace', { queue: 1 }, none.deliver);
    watcher.ref();
    await until('the error', () => none.error);
    expect(none).toMatchObject({ calls: 1, items: [], overruns: [] });
    expect(none.error).toMatchObject({ errno: 2, call: 'open /run/netns/no such namespace' });
    await new Promise<void>((resolve) => watcher.close(resolve));
    expect(none.calls).toBe(1);
  });
});

describeKernel('InterfaceWatcher', {}, () => {
  test('reports links, addresses and routes that are added, changed and removed', async () => {
    await using host = new Namespace('interfaces');
    const changes = new Delivered<NativeInterfaceChange>();
    await using watcher = closing(
      new native.InterfaceWatcher(host.name, { queue: 1000 }, changes.deliver),
    );
    await changes.opened();
    expect(watcher.threadId).not.toBe(process.pid);
    host.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'v1');
    host.ip('address', 'add', '10.0.0.1/24', 'dev', 'v0');
    host.ip('address', 'add', 'fe80::5/64', 'dev', 'v0', 'nodad');
    host.ip('link', 'set', 'v1', 'up');
    host.ip('link', 'set', 'v0', 'up');
    host.ip('address', 'delete', '10.0.0.1/24', 'dev', 'v0');
    host.ip('link', 'delete', 'v0');

    const link = (kind: string, up: boolean) => (change: NativeInterfaceChange) =>
      change.kind === kind &&
      'link' in change &&
      change.link.name === 'v0' &&
      ((change.link.flags & 1) === 1) === up;
    const added = await changes.find('the link', link('added', false));
    const { index } = (added as { link: NativeLink }).link;
    expect(added).toMatchObject({ link: { kind: 'veth', mtu: 1500 } });
    await changes.find('the link up', link('changed', true));
    await changes.find('the link gone', link('removed', false));
    const kinds = (address: string) =>
      changes.items.flatMap((change) =>
        'address' in change && change.address.address === address
          ? [[change.kind, change.address.interface]]
          : [],
      );
    expect(kinds('10.0.0.1')).toEqual([
      ['addedOrChanged', index],
      ['removed', index],
    ]);
    expect(kinds('fe80::5%v0')[0]).toEqual(['addedOrChanged', index]);
    const route = (kind: string) => (change: NativeInterfaceChange) =>
      change.kind === kind &&
      'route' in change &&
      change.route.destination === '10.0.0.0' &&
      change.route.nextHops[0]?.interface === index;
    expect(changes.items.find(route('added'))).toMatchObject({
      route: { family: 4, prefixLength: 24, source: '10.0.0.1', table: 254 },
    });
    expect(changes.items.find(route('removed'))).toBeDefined();
    expect(changes.overruns).toEqual([]);
  });
});
