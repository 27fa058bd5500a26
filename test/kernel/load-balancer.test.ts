/** Tests of behindLoadBalancer(): subflows join the backend that holds the connection. */
import type net from 'node:net';
import { join } from 'node:path';
import { type LoadBalancerOptions, PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { type Backend, LoadBalanced } from '../lab/load-balancer';
import { FAMILIES } from '../lab/path-end';
import { until } from '../lab/until';
import { Peer } from './peers/peer';

const PORT = 80;
const COUNT = 20;
const LENGTH = 200_000;
const LONG = 30_000;
const SCRIPT = join(__dirname, 'peers', 'load-balanced-backend.js');

interface Serving {
  workers?: number;
  announce?: LoadBalancerOptions[];
  userspace?: boolean;
}

interface Fetched {
  backend: string;
  worker: number;
  sha256: string;
  /** The remote addresses and ports of its subflows beyond the first. */
  joined: string[];
}

/** Starts a server on each backend, with the options that `serving` returns for it. */
async function serve(lab: LoadBalanced, serving: (backend: Backend) => Serving): Promise<void> {
  await Promise.all(
    lab.backends.map(async (backend) => {
      // An ADD_ADDR with an IPv6 address and a port leaves no room for timestamps.
      backend.host.sysctl('net.ipv4.tcp_timestamps', 0);
      const args = [SCRIPT, String(PORT), JSON.stringify(serving(backend))];
      const env = { ...process.env, BACKEND: backend.own };
      await backend.host.spawn(process.execPath, args, { env }).line(/^ready$/, { timeout: LONG });
    }),
  );
}

const announcing =
  (...ports: (number | undefined)[]) =>
  ({ own }: Backend): Serving => ({
    workers: ports.length,
    announce: ports.map((port) => ({ address: own, ...(port !== undefined && { port }) })),
  });

/** Opens COUNT connections, which the client keeps. */
function open(client: Peer, host: string): Promise<void> {
  return client.run(
    async ({ net, once, state }, host, port, count) => {
      const sockets = Array.from({ length: count }, () =>
        net.connect({ host, port, mptcp: { mode: 'require' } }),
      );
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      state.messages = sockets;
    },
    host,
    PORT,
    COUNT,
  );
}

/** The sum of a counter over both backends. */
const counted = (lab: LoadBalanced, name: string): number =>
  lab.backends.reduce((sum, { host }) => sum + host.counters()[name]!, 0);

/** Connects, waits until `joins` subflows have joined each connection, and transfers data. */
async function fetchAll(lab: LoadBalanced, client: Peer, joins: number): Promise<Fetched[]> {
  await open(client, lab.shared);
  await until(
    'all subflows have joined',
    () => counted(lab, 'MPTcpExtMPJoinAckRx') === COUNT * joins,
    LONG,
  );
  return client.run(
    ({ mptcp, once, state, receive }, length) =>
      Promise.all(
        (state.messages as net.Socket[]).map(async (socket) => {
          const [, ...others] = mptcp.connectionOf(socket).subflows();
          const joined = others.map(({ remote }) => `${remote.address} ${remote.port}`);
          socket.end(`${length}\n`);
          const [first] = (await once(socket, 'data')) as [Buffer];
          const end = first.indexOf('\n');
          const line = first.subarray(0, end).toString();
          socket.unshift(first.subarray(end + 1));
          const { sha256 } = await receive(socket);
          const { backend, worker } = JSON.parse(line) as { backend: string; worker: number };
          return { backend, worker, sha256, joined: joined.sort() };
        }),
      ),
    LENGTH,
  );
}

/** The SHA-256 of what each server sends. */
const expected = (peer: Peer): Promise<string> =>
  peer.run(async ({ bytes, receive }, length) => (await receive(bytes(length))).sha256, LENGTH);

/** Expects intact transfers from both backends, and joins at the addresses that `where` returns. */
async function verify(
  lab: LoadBalanced,
  client: Peer,
  fetched: Fetched[],
  where: (fetched: Fetched) => string[],
): Promise<void> {
  const sha256 = await expected(client);
  expect(fetched).toHaveLength(COUNT);
  for (const each of fetched) expect(each).toMatchObject({ sha256, joined: where(each) });
  for (const { host, own } of lab.backends) {
    const here = fetched.filter(({ backend }) => backend === own);
    expect(here.length).toBeGreaterThan(0);
    const joins = here.flatMap(({ joined }) => joined).length;
    expect(host.counters()).toMatchObject({
      MPTcpExtMPCapableSYNRX: here.length,
      MPTcpExtMPJoinSynRx: joins,
      MPTcpExtMPJoinAckRx: joins,
      MPTcpExtMPJoinNoTokenFound: 0,
    });
  }
}

/** A client with a subflow endpoint for its second address, which joins the shared address if allowed. */
async function clientOf(lab: LoadBalanced, { addAddrAccepted = 2 } = {}): Promise<Peer> {
  lab.client.limits({ subflows: 2, addAddrAccepted });
  lab.client.addEndpoint(lab.paths[1], 'dev', 'eth2', 'subflow');
  return Peer.start(lab.client);
}

describeKernel('load-balanced servers', { needs: ['nft'] }, () => {
  describe.each(FAMILIES)('IPv%i', (family) => {
    test('joins reach the backend that holds the connection', async () => {
      await using lab = await LoadBalanced.connect(PORT, { family });
      const [client] = await Promise.all([clientOf(lab), serve(lab, announcing(undefined))]);
      const fetched = await fetchAll(lab, client, 1);
      await verify(lab, client, fetched, ({ backend }) => [`${backend} ${PORT}`]);
    });

    test('without the call, joins pass the balancer and reach either backend', async () => {
      await using lab = await LoadBalanced.connect(PORT, { family });
      const [client] = await Promise.all([clientOf(lab), serve(lab, () => ({}))]);
      await open(client, lab.shared);
      // A client may join once a server has acknowledged its first data.
      await client.run(({ state }) => {
        for (const socket of state.messages as net.Socket[]) socket.write('1');
      });
      const wrong = () => counted(lab, 'MPTcpExtMPJoinNoTokenFound');
      await until(
        'each join has arrived at a backend',
        () => wrong() + counted(lab, 'MPTcpExtMPJoinAckRx') >= COUNT,
        LONG,
      );
      expect(wrong()).toBeGreaterThan(0);
    });

    // With IPv4 it accepts announced addresses; with IPv6 it does not, but has an endpoint.
    test('joins of a client in userspace mode reach that backend too', async () => {
      await using lab = await LoadBalanced.connect(PORT, { family });
      await using pm = await PathManager.open({ netns: lab.client.name });
      await pm.mode.set('userspace');
      const [client] = await Promise.all([
        clientOf(lab, { addAddrAccepted: family === 4 ? 2 : 0 }),
        serve(lab, announcing(undefined)),
      ]);
      const fetched = await fetchAll(lab, client, 1);
      await verify(lab, client, fetched, ({ backend }) => [`${backend} ${PORT}`]);
    });
  });

  test('workers of a cluster announce a port each', async () => {
    await using lab = await LoadBalanced.connect(PORT);
    const [client] = await Promise.all([clientOf(lab), serve(lab, announcing(9001, 9002))]);
    const fetched = await fetchAll(lab, client, 2);
    await verify(lab, client, fetched, ({ backend }) => [`${backend} 9001`, `${backend} 9002`]);
    expect(new Set(fetched.map(({ worker }) => worker)).size).toBe(2);
  });

  test('workers of a cluster share one endpoint', async () => {
    await using lab = await LoadBalanced.connect(PORT);
    const [client] = await Promise.all([clientOf(lab), serve(lab, announcing(9001, 9001))]);
    const fetched = await fetchAll(lab, client, 1);
    await verify(lab, client, fetched, ({ backend }) => [`${backend} 9001`]);
    expect(new Set(fetched.map(({ worker }) => worker)).size).toBe(2);
  });

  test('in userspace mode, workers announce their port to their own clients only', async () => {
    await using lab = await LoadBalanced.connect(PORT, { family: 6 });
    const [client] = await Promise.all([
      clientOf(lab),
      serve(lab, (backend) => ({ ...announcing(9001, 9002)(backend), userspace: true })),
    ]);
    const fetched = await fetchAll(lab, client, 1);
    await verify(lab, client, fetched, ({ backend, worker }) => [`${backend} ${9001 + worker}`]);
    expect(new Set(fetched.map(({ worker }) => worker)).size).toBe(2);
  });

  test('a port suffices for a backend without another address', async () => {
    await using lab = await LoadBalanced.connect(PORT);
    const [client] = await Promise.all([
      clientOf(lab),
      serve(lab, ({ behind }) => ({ announce: [{ address: behind, port: 9001 }] })),
    ]);
    const fetched = await fetchAll(lab, client, 1);
    await verify(lab, client, fetched, ({ backend }) => {
      const { behind } = lab.backends.find(({ own }) => own === backend)!;
      return [`${behind} 9001`];
    });
  });
});
