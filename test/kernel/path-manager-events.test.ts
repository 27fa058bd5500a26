/** Tests the events of a network namespace's connections. */
import { join } from 'node:path';
import { PathManager, type PathManagerEvent, type PathManagerEvents } from 'mptcp';
import { subflowKey } from '../../lib/base/addresses';
import { whileHalted } from '../lab/halted-thread';
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { ForeignClient, foreignServer } from './peers/foreign-processes';

const WITNESS = join(__dirname, 'peers', 'netlink-observer.js');

type OfType<Type> = Extract<PathManagerEvent, { type: Type }>;

/** Everything that a stream emits, and a way to wait for it. */
class Record {
  readonly all: PathManagerEvent[] = [];

  constructor(events: PathManagerEvents) {
    events.on('event', (event) => this.all.push(event));
  }

  of<Type extends PathManagerEvent['type']>(type: Type): OfType<Type>[] {
    return this.all.filter((event): event is OfType<Type> => event.type === type);
  }

  async first<Type extends PathManagerEvent['type']>(type: Type): Promise<OfType<Type>> {
    await until(`an event ${type}`, () => this.of(type).length > 0);
    return this.of(type)[0]!;
  }
}

/** Open connections and their subflows, as somebody knows them who has read these events. */
function rebuild(events: readonly PathManagerEvent[]): Map<number, Set<string>> {
  const state = new Map<number, Set<string>>();
  for (const event of events) {
    if (event.type === 'created') state.set(event.token, new Set([subflowKey(event)]));
    if (event.type === 'closed') state.delete(event.token);
    if (event.type === 'subflowEstablished') state.get(event.token)?.add(subflowKey(event));
    if (event.type === 'subflowClosed') state.get(event.token)?.delete(subflowKey(event));
  }
  return state;
}

async function dump(pm: PathManager): Promise<Map<number, Set<string>>> {
  const state = new Map<number, Set<string>>();
  for await (const { token, inode, subflows } of pm.connections({ state: 'ESTABLISHED' })) {
    if (token !== undefined && inode !== undefined) {
      const made = subflows!.filter((each) => each.state === 'ESTABLISHED');
      state.set(token, new Set(made.map(subflowKey)));
    }
  }
  return state;
}

describeKernel('path manager events', {}, () => {
  describe.each(FAMILIES)('IPv%i', (family) => {
    test("a foreign connection's life, from both sides, as a witness sees it", async () => {
      await using lab = await twoPaths({ family });
      const [first, second] = lab.paths;
      await using pmc = await PathManager.open({ netns: lab.client.name });
      await using pms = await PathManager.open({ netns: lab.server.name });
      const [atClient, atServer] = [pmc.events(), pms.events()];
      await Promise.all([atClient.ready, atServer.ready]);
      expect([atClient.source, atServer.source]).toEqual(['kernel', 'kernel']);
      const [client, server] = [new Record(atClient), new Record(atServer)];
      const witness = lab.client.spawn(process.execPath, [WITNESS]);
      await witness.json();

      const { port } = await foreignServer(lab.server, '::');
      const foreign = await ForeignClient.connect(lab.client, first.server.address, port);
      const created = await client.first('created');
      expect(created).toMatchObject({
        source: 'kernel',
        local: { address: first.client.address, family: `IPv${family}` },
        remote: { address: first.server.address, port },
        serverSide: false,
      });
      expect(await server.first('created')).toMatchObject({
        local: created.remote,
        remote: created.local,
        serverSide: true,
      });
      expect(await witness.json(({ event }: { event: number }) => event === 1)).toMatchObject({
        ...{ token: created.token, localPort: created.local.port, remotePort: port },
      });

      const joined = await client.first('subflowEstablished');
      expect(joined).toMatchObject({
        token: created.token,
        local: { address: second.client.address },
        remote: { address: first.server.address, port },
        ...{ localId: 1, remoteId: 0, backup: false },
      });
      expect(await server.first('subflowEstablished')).toMatchObject({
        ...{ local: joined.remote, remote: joined.local, localId: 0, remoteId: 1 },
      });
      expect(await witness.json(({ event }: { event: number }) => event === 10)).toMatchObject({
        ...{ token: created.token, localPort: joined.local.port },
      });
      expect(await dump(pmc)).toEqual(rebuild(client.all));
      expect(await dump(pms)).toEqual(rebuild(server.all));

      await pmc.endpoints.update(1, { backup: true });
      expect(await server.first('subflowPriority')).toMatchObject({
        ...{ backup: true, remote: joined.local },
      });

      await pms.endpoints.add({ address: second.server.address, signal: true });
      expect(await client.first('announced')).toMatchObject({
        ...{ token: created.token, remoteId: 1, address: second.server.address },
      });
      await until('the client connects there', () => client.of('subflowEstablished').length === 2);
      await pms.endpoints.delete(second.server.address);
      expect(await client.first('removed')).toMatchObject({ token: created.token, remoteId: 1 });

      await until('its subflow is closed', () => client.of('subflowClosed').length === 1);

      await pmc.endpoints.delete(1);
      await until('the first one too', () => client.of('subflowClosed').length === 2);
      expect(client.of('subflowClosed').map(({ source, remote }) => [source, remote])).toEqual([
        ['kernel', { ...created.remote, address: second.server.address }],
        ['kernel', created.remote],
      ]);

      await foreign.close();
      const { local, remote } = created;
      expect(await client.first('closed')).toMatchObject({ token: created.token, local, remote });
      // The kernel has no event for the end of the subflows that were left.
      expect(client.of('subflowClosed').at(-1)).toMatchObject({ source: 'derived', local, remote });
      await server.first('closed');
      expect(rebuild(client.all).size + rebuild(server.all).size).toBe(0);
      await server.first('listenerCreated');
    });

    test('a refused join says why', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      await using pm = await PathManager.open({ netns: lab.client.name });
      await using pms = await PathManager.open({ netns: lab.server.name });
      await using events = pm.events();
      await events.ready;
      const record = new Record(events);
      const [first, second] = lab.paths;
      const { port } = await foreignServer(lab.server, first.server.address);
      await ForeignClient.connect(lab.client, first.server.address, port);
      await record.first('established');
      // Nobody listens at the other address.
      await pms.endpoints.add({ address: second.server.address, signal: true });
      expect(await record.first('subflowClosed')).toMatchObject({
        ...{ error: 'ECONNREFUSED', remote: { address: second.server.address, port } },
      });
    });
  });

  test.each(FAMILIES)(
    'IPv%i: a subflow that the peer resets says so (MP_TCPRST)',
    async (family) => {
      await using lab = await twoPaths({ family });
      await using pm = await PathManager.open({ netns: lab.client.name });
      await using events = pm.events();
      await events.ready;
      const record = new Record(events);
      const [first, second] = lab.paths;
      const { port } = await foreignServer(lab.server, '::');
      await ForeignClient.connect(lab.client, first.server.address, port);
      const { local } = await record.first('subflowEstablished');
      const there = ['-Htn', 'state', 'established', 'dport', '=', `:${local.port}`];
      await until('the peer has it too', () => lab.server.exec('ss', there) !== '');
      lab.server.exec('ss', ['-K', ...there]);
      expect(await record.first('subflowClosed')).toMatchObject({
        local: { address: second.client.address },
        reset: { code: 0, reason: 'Unspecified error', transient: false },
      });
    },
  );

  test('what was there before is known, and emitted where `initial` requests it', async () => {
    await using lab = await twoPaths();
    const [first] = lab.paths;
    await using pm = await PathManager.open({ netns: lab.client.name });
    const { port } = await foreignServer(lab.server, '::');
    const foreign = await ForeignClient.connect(lab.client, first.server.address, port, 5);
    await until('all have joined', async () =>
      [...(await dump(pm)).values()].every(({ size }) => size === 2),
    );
    const [full, later] = [pm.events({ initial: true }), pm.events()];
    const [initial, record] = [new Record(full), new Record(later)];
    await Promise.all([full.ready, later.ready]);
    expect(rebuild(initial.all)).toEqual(await dump(pm));
    expect(initial.of('created').map(({ source }) => source)).toEqual(Array(5).fill('dump'));
    expect(initial.of('created')[0]).toMatchObject({ serverSide: false });
    expect(record.all).toEqual([]);
    await foreign.close();
    await until('all closed', () => record.of('closed').length === 5);
    expect(record.of('subflowClosed')).toHaveLength(10);
  });

  test('a storm with a tiny receive buffer loses nothing from the state', async () => {
    await using lab = await twoPaths();
    const [first] = lab.paths;
    await using pm = await PathManager.open({ netns: lab.client.name });
    await using events = pm.events({ receiveBuffer: 1 });
    await events.ready;
    const record = new Record(events);
    const { port } = await foreignServer(lab.server, '::');
    const foreign = await ForeignClient.connect(lab.client, first.server.address, port, 60);
    for (let round = 0; round < 3; round++) {
      await whileHalted(events.threadId, async () => {
        await foreign.close();
        await foreign.open(60);
      });
    }
    await until('the state is right again', async () => {
      const [rebuilt, found] = [rebuild(record.all), await dump(pm)];
      return found.size === 60 && JSON.stringify(sorted(rebuilt)) === JSON.stringify(sorted(found));
    });
    expect(record.of('overrun').length).toBeGreaterThan(0);
    expect(record.all.some((event) => 'source' in event && event.source === 'dump')).toBe(true);
  });

  test('a slow loop gets overrun, and a state that is right', async () => {
    await using lab = await twoPaths();
    const [first] = lab.paths;
    await using pm = await PathManager.open({ netns: lab.client.name });
    await using events = pm.events({ queue: 4 });
    await using quick = pm.events();
    await Promise.all([events.ready, quick.ready]);
    const record = new Record(quick);
    const { port } = await foreignServer(lab.server, '::');
    const foreign = await ForeignClient.connect(lab.client, first.server.address, port, 20);
    await foreign.close();
    await foreign.open(7);
    await until('all was emitted', async () => {
      const [rebuilt, found] = [rebuild(record.all), await dump(pm)];
      return found.size === 7 && JSON.stringify(sorted(rebuilt)) === JSON.stringify(sorted(found));
    });
    const read: PathManagerEvent[] = [];
    for await (const event of events) {
      read.push(event);
      if (read.some(({ type }) => type === 'overrun') && rebuild(read).size === 7) {
        if (JSON.stringify(sorted(rebuild(read))) === JSON.stringify(sorted(await dump(pm)))) break;
      }
    }
    const overrun = read.find((event) => event.type === 'overrun');
    expect(overrun?.lost).toBeGreaterThan(0);
    expect(record.of('overrun')).toEqual([]);
  });

  test('abort ends the loop with the AbortError, close ends it in peace', async () => {
    await using lab = await twoPaths({ join: 'none' });
    await using pm = await PathManager.open({ netns: lab.client.name });
    const controller = new AbortController();
    const events = pm.events({ signal: controller.signal });
    const next = events.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    const other = pm.events();
    const end = other.next();
    await other.close();
    expect(await end).toEqual({ value: undefined, done: true });
  });
});

const sorted = (state: Map<number, Set<string>>): unknown =>
  [...state].map(([token, subflows]) => [token, [...subflows].sort()]).sort();
