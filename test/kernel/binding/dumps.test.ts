/** Tests of the addon's dumps of connections and subflows by sock_diag. */
import type {
  DiagFilter,
  NativeConnection,
  NativeDiagSubflow,
  NativeDump,
} from '../../../types/native';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';
import { Peer } from '../peers/peer';
import { answer, closing, failure, native } from './native';

const ESTABLISHED = 1;
const LISTEN = 10;
const MANY = 300; // connections, whose sockets fill several batches

type Answer<T> = { batch: T[]; restarted: boolean } | undefined;

const next = <T>(dump: NativeDump<T>) => answer<Answer<T>>((done) => dump.next(done));

async function all<T>(dump: NativeDump<T>): Promise<T[]> {
  const items: T[] = [];
  for (let reply = await next(dump); reply; reply = await next(dump)) {
    if (reply.restarted) items.length = 0;
    items.push(...reply.batch);
  }
  dump.close();
  return items;
}

describeKernel('dumps', {}, () => {
  let host: Namespace;
  let port: number;
  let tokens: number[];

  const connections = (filter: DiagFilter = {}) =>
    all<NativeConnection>(new native.ConnectionDump(host.name, filter));
  const subflows = (tcpInfo = false) =>
    all<NativeDiagSubflow>(new native.SubflowDump(host.name, { tcpInfo }));

  beforeAll(async () => {
    host = new Namespace('dumps');
    host.ip('address', 'add', '10.0.0.1/32', 'dev', 'lo');
    const [server, client] = [await Peer.start(host), await Peer.start(host)];
    port = await server.run(({ net, listen }) => listen(net.createServer(), '127.0.0.1'));
    tokens = await client.run(
      async ({ net, mptcp, once }, port, many) => {
        const tokens: number[] = [];
        while (tokens.length < many) {
          const localAddress = tokens.length === 0 ? '10.0.0.1' : '127.0.0.1';
          const socket = net.connect({ port, host: '127.0.0.1', localAddress });
          await once(socket, 'connect');
          tokens.push(mptcp.connectionOf(socket).token!);
        }
        return tokens;
      },
      port,
      MANY,
    );
  });
  afterAll(() => host.dispose());

  test('connections are dumped in batches by their own thread', async () => {
    const dump = closing(new native.ConnectionDump(host.name, {}));
    expect(dump.threadId).not.toBe(process.pid);
    const sizes: number[] = [];
    for (let reply = await next(dump); reply; reply = await next(dump)) {
      sizes.push(reply.batch.length);
      expect(reply.restarted).toBe(false);
    }
    expect(sizes.length).toBeGreaterThan(3);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(2 * MANY + 1);
    expect(await next(dump)).toBeUndefined(); // at every further call
    await dump[Symbol.asyncDispose]();

    const list = await connections();
    const shown = host.exec('ss', ['-MHna']).trim().split('\n');
    expect(list).toHaveLength(shown.length);
    const byToken = new Map(list.map((each) => [each.token, each]));
    for (const token of tokens) {
      expect(byToken.get(token)).toMatchObject({
        ...{ state: ESTABLISHED, uid: 0, remote: { address: '127.0.0.1', port } },
        info: { token, flags: expect.any(Number) as number },
      });
    }
    const { local, inode } = byToken.get(tokens[0])!;
    expect(local).toEqual({
      ...{ address: '10.0.0.1', family: 'IPv4', port: expect.any(Number) as number },
    });
    expect(inode).toBeGreaterThan(0);
  });

  test('a filter selects connections', async () => {
    const listeners = await connections({ states: 1 << LISTEN });
    expect(listeners).toHaveLength(1);
    expect(listeners[0]).toMatchObject({
      ...{ state: LISTEN, local: { address: '127.0.0.1', port }, receiveQueue: 0 },
    });
    expect(listeners[0]!.token).toBeUndefined();
    expect(await connections({ remotePort: port })).toHaveLength(MANY);
    expect(await connections({ localPort: port, states: 1 << ESTABLISHED })).toHaveLength(MANY);
    const [first, ...none] = await connections({ localAddress: '10.0.0.1' });
    expect(first).toMatchObject({ token: tokens[0] });
    expect(none).toEqual([]);
    expect(await connections({ remoteAddress: '10.0.0.1', localPort: port })).toHaveLength(1);
    expect(await connections({ remoteAddress: '10.9.9.9' })).toEqual([]);
  });

  test('subflows have the tokens of their connections, and tcp_info on request', async () => {
    const list = await subflows();
    expect(list).toHaveLength(2 * MANY);
    expect(new Set(list.map(({ token }) => token))).toEqual(
      new Set((await connections()).flatMap(({ token }) => token ?? [])),
    );
    expect(list[0]).not.toHaveProperty('tcpInfo');
    const first = (await subflows(true)).find(({ token }) => token === tokens[0]);
    expect(first).toMatchObject({
      ...{ state: ESTABLISHED, localId: 0, remoteId: 0, remote: { address: '127.0.0.1', port } },
      local: { address: '10.0.0.1' },
      tcpInfo: { state: ESTABLISHED, sndCwnd: expect.any(Number) as number },
    });
  });

  test('close() during a dump fails pending and later calls, and ends the thread', async () => {
    const dump = closing(new native.ConnectionDump(host.name, {}));
    const reply = await next(dump);
    expect(reply?.batch.length).toBeLessThan(2 * MANY);
    const failures = [failure((done) => dump.next(done)), failure((done) => dump.next(done))];
    await dump[Symbol.asyncDispose]();
    failures.push(failure((done) => dump.next(done)));
    for (const error of await Promise.all(failures)) expect(error).toMatchObject({ errno: 125 });
  });

  test('the first call fails where the namespace cannot be entered', async () => {
    for (const dump of [
      new native.ConnectionDump('no such namespace', {}),
      new native.SubflowDump('no such namespace', { tcpInfo: false }),
    ]) {
      expect(await failure((done) => dump.next(done))).toMatchObject({
        ...{ errno: 2, call: 'open /run/netns/no such namespace' },
      });
      expect(await next<unknown>(dump)).toBeUndefined();
    }
  });
});
