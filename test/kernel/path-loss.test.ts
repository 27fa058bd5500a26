/**
 * Tests that a connection without a living path ends with the code of TCP, as soon as TCP would have
 * ended it, unless a policy may still bring it back.
 */
import type { Agent, IncomingMessage } from 'node:http';
import type { MptcpOptions } from '../../lib';
import { describeKernel } from '../lab/jest';
import type { Namespace } from '../lab/namespace';
import type { Path } from '../lab/path';
import { FAMILIES, type Family, type Side } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { manage, type Named } from './peers/managed-peer';
import { Peer } from './peers/peer';

/** The end of a socket. */
interface Ending {
  code?: string;
  /** Milliseconds since {@link endings} was called. */
  after: number;
}

/** The most that the end may come later than over TCP, on each side. */
const MOST: Record<Side, number> = { client: 1500, server: 4000 }; // ms

const PROTOCOLS = ['tcp', 'mptcp'] as const;

/** Lets a host answer TCP segments with resets, as one that has forgotten its connections. */
const forget = (host: Namespace): (() => void) => {
  host.nft(`
    table inet forgotten {
      chain input {
        type filter hook input priority 0
        meta l4proto tcp reject with tcp reset
      }
    }`);
  return () => void host.nft('delete table inet forgotten');
};

/** Listens over each protocol; `state.sockets` has the accepted sockets in the order of PROTOCOLS. */
const listen = (peer: Peer): Promise<number[]> =>
  peer.run(async ({ modules, listen: listenAt, state }, protocols) => {
    const ports = [];
    for (const [index, protocol] of protocols.entries()) {
      const server = modules(protocol).net.createServer((socket) => {
        state.sockets[index] = socket.on('error', () => undefined).resume();
      });
      ports.push(await listenAt(server));
    }
    return ports;
  }, PROTOCOLS);

/** Connects over each protocol; `state.sockets` has the sockets in the order of PROTOCOLS. */
const connect = (
  peer: Peer,
  host: string,
  ports: readonly number[],
  mptcp: MptcpOptions,
): Promise<void> =>
  peer.run(
    async ({ modules, once, state }, protocols, at, to, options) => {
      for (const [index, protocol] of protocols.entries()) {
        const port = to[index]!;
        const socket = modules(protocol).net.connect({ host: at, port, mptcp: options } as never);
        state.sockets[index] = socket.on('error', () => undefined).resume();
        await once(socket, 'connect');
        socket.write('hello');
      }
    },
    PROTOCOLS,
    host,
    ports,
    mptcp,
  );

/** Lets the peer's sockets write, unless they are `idle`, and resolves to how they end. */
const endings = (peer: Peer, idle = false): Promise<Ending[]> =>
  peer.run(({ state, happened }, silent) => {
    const start = performance.now();
    return Promise.all(
      state.sockets.map(async (socket) => {
        let code: string | undefined;
        socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
        if (!silent) socket.write('anybody there?');
        if (!socket.closed) await happened(socket, 'close');
        return { ...(code !== undefined && { code }), after: performance.now() - start };
      }),
    );
  }, idle);

const untilSubflows = (peer: Peer, count: number): Promise<void> =>
  peer.run(
    ({ mptcp, state, until }, expected) =>
      until(() => {
        const socket = state.sockets.at(-1);
        if (!socket) return false;
        const subflows = mptcp.connectionOf(socket).subflows();
        return subflows.filter((each) => each.tcpInfo.state === 1).length === expected;
      }),
    count,
  );

describeKernel('a connection without a path', { needs: ['nft'] }, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;

  const peers = (): Record<Side, Peer> => ({ client, server });

  async function setUp(
    family: Family,
    { join = 'none', unprivileged = false }: { join?: 'client' | 'none'; unprivileged?: boolean },
  ): Promise<void> {
    lab = await twoPaths({ family, join });
    [server, client] = await Promise.all([
      Peer.start(lab.server, { unprivileged }),
      Peer.start(lab.client, { unprivileged }),
    ]);
  }
  afterEach(() => lab.dispose());

  async function open(subflows?: number, mptcp: MptcpOptions = {}): Promise<void> {
    await connect(client, lab.paths[0].server.address, await listen(server), mptcp);
    if (subflows === undefined) {
      await server.run(({ state, until }) => until(() => state.sockets.length === 2));
      return;
    }
    await untilSubflows(server, subflows);
    await untilSubflows(client, subflows);
  }

  const forgetful = (side: Side): (() => void) =>
    forget(side === 'client' ? lab.server : lab.client);

  const cutAll = (): void => {
    for (const path of lab.paths) path.cut({ silent: true });
  };

  describe.each(FAMILIES)('IPv%i', (family) => {
    describe.each(['client', 'server'] as const)('%s', (side) => {
      test.each([
        ['its peer has forgotten it', 1, 'ECONNRESET'],
        ['its peer has forgotten it', 2, 'ECONNRESET'],
        ['retransmissions have reached their limit', 2, 'ETIMEDOUT'],
      ] as const)('ends as over TCP when %s, with %d paths: %s', async (cause, paths, code) => {
        await setUp(family, { join: paths === 2 ? 'client' : 'none', unprivileged: true });
        await open(paths);
        if (code === 'ECONNRESET') forgetful(side);
        else {
          lab[side].sysctl('net.ipv4.tcp_retries2', 3);
          cutAll();
        }
        const [tcp, mptcp] = await endings(peers()[side]);
        expect([tcp?.code, mptcp?.code]).toEqual([code, code]);
        expect(mptcp!.after - tcp!.after).toBeLessThan(MOST[side]);
      });
    });

    test('ends with ETIMEDOUT when keep-alive probes get no answer', async () => {
      await setUp(family, { join: 'client' });
      await open(2, { hints: { keepAlive: { idle: 1, interval: 1, count: 2 } } });
      cutAll();
      await client.run(({ state }) => void state.sockets[0]!.destroy());
      const [, mptcp] = await endings(client, true);
      expect(mptcp?.code).toBe('ETIMEDOUT');
      expect(mptcp!.after).toBeLessThan(3000 + MOST.client);
    });
  });

  describe('that a policy manages', () => {
    const POLICIES: readonly (readonly Named[])[] = [
      [['heal']],
      [['fullmesh'], ['heal']],
      [['aggregate']],
      [['interactive']],
      [['handover', { mode: 'make-before-break' }]],
      [['backup', { standby: 'eth2' }]],
      [['ndiffports', 2]],
    ];

    test.each(POLICIES.map((named) => [named.map(([name]) => name).join('(), '), named] as const))(
      '%s(): ends a few seconds after its peer has forgotten it',
      async (_name, named) => {
        await setUp(4, {});
        await manage(client, named);
        await open();
        forgetful('client');
        const [, mptcp] = await endings(client);
        expect(mptcp?.code).toBe('ECONNRESET');
        expect(mptcp!.after).toBeGreaterThan(2500);
        expect(mptcp!.after).toBeLessThan(3000 + MOST.client);
      },
    );

    test.each([
      ['the policy', { giveUp: 500 }, {}],
      ['the connection', {}, { giveUp: { afterReset: 500 } }],
    ] as const)('giveUp of %s bounds the time', async (_whose, ofPolicy, ofConnection) => {
      await setUp(4, {});
      await manage(client, [['fullmesh'], ['heal']], ofPolicy);
      await open(undefined, ofConnection);
      forgetful('client');
      const [, mptcp] = await endings(client);
      expect(mptcp?.code).toBe('ECONNRESET');
      expect(mptcp!.after).toBeLessThan(500 + MOST.client);
    });

    test('an intent: ends a few seconds after its peer has forgotten it', async () => {
      await setUp(4, {});
      await client.run(async ({ mptcp, state }) => {
        state.pathManager = await mptcp.PathManager.open();
        await state.pathManager.mode.set('userspace');
      });
      await open(undefined, { hints: { intent: 'handover' } });
      forgetful('client');
      const [, mptcp] = await endings(client);
      expect(mptcp?.code).toBe('ECONNRESET');
      expect(mptcp!.after).toBeLessThan(3000 + MOST.client);
    });

    test.each(FAMILIES)('IPv%i: heal() brings it back, and neither side ends', async (family) => {
      await setUp(family, {});
      await manage(client, [['fullmesh'], ['heal']]);
      await open(2);
      const remember = forgetful('client');
      await client.run(async ({ mptcp, state, until }) => {
        state.sockets[1]!.write('anybody there?');
        const paths = () => mptcp.connectionOf(state.sockets[1]!).subflows();
        await until(() => !paths().some((each) => each.tcpInfo.state === 1));
      });
      remember();
      await untilSubflows(client, 2);
      await server.run(({ state }) => {
        const socket = state.sockets[1]!;
        socket.on('data', (data: Buffer) => socket.write(data));
      });
      const answer = await client.run(async ({ state, once }) => {
        const socket = state.sockets[1]!;
        socket.write('back');
        return String((await once(socket, 'data'))[0]);
      });
      expect(answer).toBe('back');
    });
  });

  test('the app receives what arrived before the end', async () => {
    await setUp(4, {});
    await open(1);
    await client.run(({ state }) => void state.sockets[1]!.pause());
    await server.run(({ state }) => void state.sockets[1]!.write('x'.repeat(100_000)));
    await server.run(({ mptcp, state, until }) => {
      const connection = mptcp.connectionOf(state.sockets[1]!);
      return until(() => connection.info().sndUna === connection.info().writeSeq);
    });
    forgetful('client');
    const seen = await client.run(async ({ mptcp, state, until, happened }) => {
      const socket = state.sockets[1]!;
      socket.write('anybody there?');
      const connection = mptcp.connectionOf(socket);
      await until(() => connection.subflows().every((each) => each.tcpInfo.state === 7));
      let received = 0;
      let code: string | undefined;
      socket.on('data', ({ length }: Buffer) => (received += length));
      socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code)).resume();
      await happened(socket, 'close');
      return { received, code };
    });
    expect(seen).toEqual({ received: 100_000, code: 'ECONNRESET' });
  });

  test('a pooled HTTP request fails as over TCP, with a code on which clients retry', async () => {
    await setUp(4, {});
    const port = await server.run(({ http, listen: listenAt }) =>
      listenAt(http.createServer((_request, response) => response.end('hello'))),
    );
    await client.run(
      async ({ http, happened }, host, to) => {
        const agent = new http.Agent({ keepAlive: true });
        const [response] = await new Promise<unknown[]>((resolve) => {
          http.get({ host, port: to, agent }, (...all) => resolve(all));
        });
        (response as IncomingMessage).resume();
        await happened(response as IncomingMessage, 'end');
        Object.assign(globalThis, { agent });
      },
      lab.paths[0].server.address,
      port,
    );
    forgetful('client');
    const seen = await client.run(
      async ({ http, happened }, host, to) => {
        const { agent } = globalThis as unknown as { agent: Agent };
        const start = performance.now();
        const request = http.get({ host, port: to, agent });
        const [error] = await happened(request, 'error');
        const { code } = error as NodeJS.ErrnoException;
        return { code, reused: request.reusedSocket, after: performance.now() - start };
      },
      lab.paths[0].server.address,
      port,
    );
    expect(seen).toMatchObject({ code: 'ECONNRESET', reused: true });
    expect(seen.after).toBeLessThan(MOST.client);
  });
});
