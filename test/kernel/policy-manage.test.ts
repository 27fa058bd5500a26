/**
 * Tests a policy at work on live connections: which ones it manages, and what it does and records.
 */
import type { PathPolicy, PolicyAction } from '../../lib/policy/policy';
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { FAMILIES } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { connectFlow, endFlow, pathsOf, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { ForeignClient, foreignServer } from './peers/foreign-processes';
import { type Inside, Peer } from './peers/peer';

const RATE = { rate: '40mbit' };

/** A policy that opens a subflow from every other address to the first one of the peer. */
function everywhere({ state }: Inside): void {
  const policy: PathPolicy = {
    name: 'everywhere',
    progress: 50,
    decide(view, event) {
      state.events.push(event.type);
      if (event.type !== 'established') return [];
      const { token, local, remote } = event;
      return view.interfaces.flatMap(({ name, addresses }) =>
        addresses
          .filter(({ scope, family }) => scope === 'global' && family === remote.family)
          .filter(({ address }) => address !== local.address)
          .map(({ address }): PolicyAction => ({
            ...{ type: 'createSubflow', token, reason: 'everywhere', remote },
            local: { address, interface: name },
          })),
      );
    },
  };
  state.policy = policy;
  state.events = [];
}

/** Opens a PathManager that owns the userspace mode, and runs the policy. */
async function manage(
  { mptcp, state }: Inside,
  options: { scope?: 'process' | 'namespace' } = {},
): Promise<void> {
  state.pathManager = await mptcp.PathManager.open();
  await state.pathManager.mode.set('userspace');
  state.actions = [];
  state.managed = state.pathManager
    .manage(state.policy, options)
    .on('action', (action) => state.actions.push(action));
  await state.managed.ready;
}

describeKernel('a policy at work', {}, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;

  const both = (): string[] => lab.paths.map((path) => path.client.address);
  const near = (): string => lab.paths[0].client.address;
  const far = (): string => lab.paths[0].server.address;

  async function setUp(options: Parameters<typeof twoPaths>[0] = {}): Promise<void> {
    lab = await twoPaths({ join: 'none', paths: [RATE, RATE], ...options });
    [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    await client.run(everywhere);
  }
  afterEach(() => lab.dispose());

  const events = (): Promise<string[]> => client.run(({ state }) => state.events);
  const view = () =>
    client.run(({ state }) =>
      Array.from(state.managed.view.connections.values(), ({ token, own, paths }) => ({
        ...{ token, own },
        paths: paths.map(({ local, interface: name }) => [local.address, name]),
      })),
    );

  describe.each(FAMILIES)('IPv%i', (family) => {
    test('opens the subflows that it requests, and has them in its view', async () => {
      await setUp({ family });
      await client.run(manage, {});
      const port = await serveFlows(server, 'receive');
      await connectFlow(client, 'send', far(), port);
      await untilPaths(client, both());
      expect(await client.run(({ state }) => state.actions)).toMatchObject([
        { type: 'createSubflow', reason: 'everywhere', local: { address: both()[1] } },
      ]);
      await client.run(({ state, until }) =>
        until(() => {
          const [connection] = state.managed.view.connections.values();
          return connection?.paths.length === 2;
        }),
      );
      const token = await client.run(({ state }) => state.flows[0]!.connection.token);
      const paths = lab.paths.map(({ client: { address, device } }) => [address, device]);
      expect(await view()).toEqual([{ token, own: true, paths }]);
      await receiveMore(server, 1 << 20);
      await endFlow(client, server);
      await client.run(({ state }) => void state.flows[0]!.socket.destroy());
      await client.run(({ state, until }) =>
        until(() => state.managed.view.connections.size === 0),
      );
      expect(await events()).toEqual(
        expect.arrayContaining(['begin', 'established', 'applied', 'subflowEstablished', 'closed']),
      );
    });
  });

  test('manages the connections that a server accepts, and those that the app adds', async () => {
    await setUp();
    await client.run(async ({ mptcp, state }) => {
      state.pathManager = await mptcp.PathManager.open();
      await state.pathManager.mode.set('userspace');
    });
    const port = await serveFlows(client, 'receive');
    for (let i = 0; i < 2; i++) await connectFlow(server, 'send', near(), port);
    await client.run(({ state, until }) => until(() => state.flows.length === 2));
    await client.run(async ({ state }) => {
      state.managed = state.pathManager.manage(state.policy);
      await state.managed.ready;
    });
    expect(await view()).toEqual([]);
    await client.run(({ state }) => state.managed.add(state.flows[1]!.connection));
    await connectFlow(server, 'send', near(), port);
    await client.run(({ state, until }) => until(() => state.managed.view.connections.size === 2));
    const tokens = await client.run(({ state }) =>
      state.flows.map(({ connection }) => connection.token),
    );
    expect((await view()).map(({ token }) => token)).toEqual(tokens.slice(1));
  });

  test('leaves a connection of the in-kernel path manager alone', async () => {
    await setUp();
    const port = await serveFlows(server, 'receive');
    await connectFlow(client, 'send', far(), port);
    await client.run(manage, {});
    const refused = client.run(async ({ once, state }) => {
      const refused = once(state.managed, 'refused');
      state.managed.add(state.flows[0]!.connection);
      const [{ type }, { code }] = (await refused) as [{ type: string }, { code: string }];
      return [type, code, state.managed.view.connections.size];
    });
    expect(await refused).toEqual(['createSubflow', 'ERR_MPTCP_PATH_MANAGER', 0]);
    await connectFlow(client, 'send', far(), port);
    await untilPaths(client, both(), 1);
    expect(await pathsOf(client, 0)).toEqual([near()]);
  });

  test('leaves other connections, and only those, to the kernel-like manager', async () => {
    await setUp();
    lab.paths[1].client.addEndpoint('subflow', 'backup');
    await client.run(manage, {});
    const port = await serveFlows(server, 'receive');
    const foreign = await foreignServer(lab.server, '::');
    const strangers = await ForeignClient.connect(lab.client, far(), foreign.port, 3);
    for (let i = 0; i < 5; i++) await connectFlow(client, 'send', far(), port);
    for (let i = 0; i < 5; i++) await untilPaths(client, both(), i);
    const backups = (remotePort: number) =>
      client.run(async ({ state }, to) => {
        const found: (boolean | undefined)[] = [];
        for await (const { subflows = [] } of state.pathManager.connections({ remotePort: to })) {
          for (const { localId, backup } of subflows) if (localId !== 0) found.push(backup);
        }
        return found;
      }, remotePort);
    await client.run(async ({ state }, to) => {
      for (let count = 0; count < 3;) {
        count = 0;
        for await (const { subflows } of state.pathManager.connections({ remotePort: to })) {
          if (subflows?.length === 2) count++;
        }
      }
    }, foreign.port);
    expect(await backups(foreign.port)).toEqual([true, true, true]); // by the endpoint
    expect(await backups(port)).toEqual([false, false, false, false, false]);
    expect(await client.run(({ state }) => state.actions.length)).toBe(5);

    // When it is closed, it leaves its connections as they are.
    await client.run(({ state }) => state.managed.close());
    expect(await pathsOf(client)).toEqual(both());
    await receiveMore(server, 100_000, 0);
    await strangers.close();
  });

  test('manages the connections of the whole namespace', async () => {
    await setUp();
    await client.run(manage, { scope: 'namespace' as const });
    const { port } = await foreignServer(lab.server, '::');
    const strangers = await ForeignClient.connect(lab.client, far(), port, 2);
    await client.run(({ state, until }) =>
      until(() => {
        const all = Array.from(state.managed.view.connections.values());
        return all.length === 2 && all.every(({ paths }) => paths.length === 2);
      }),
    );
    expect((await view()).map(({ own }) => own)).toEqual([false, false]);
    await strangers.close();
    await client.run(({ state, until }) => until(() => state.managed.view.connections.size === 0));
  });

  test('manages only the connections that match', async () => {
    await setUp();
    await client.run(everywhere);
    await client.run(async ({ mptcp, state }) => {
      state.pathManager = await mptcp.PathManager.open();
      await state.pathManager.mode.set('userspace');
      state.managed = state.pathManager.manage(state.policy, {
        match: ({ remote }) => remote.port === state.port,
      });
      await state.managed.ready;
    });
    const port = await serveFlows(server, 'receive');
    const other = await serveFlows(server, 'receive');
    await client.run(({ state }, matched) => void (state.port = matched), port);
    await connectFlow(client, 'send', far(), other);
    await connectFlow(client, 'send', far(), port);
    await untilPaths(client, both(), 1);
    expect(await pathsOf(client, 0)).toEqual([near()]);
  });

  test('reports an error that the policy throws, and continues', async () => {
    await setUp();
    await client.run(({ state }) => {
      const { policy } = state;
      let thrown = 0;
      state.policy = {
        name: policy.name,
        decide(seen, event) {
          if (event.type !== 'established' && thrown++ < 3) throw new Error(`by ${event.type}`);
          return policy.decide(seen, event);
        },
      };
    });
    await client.run(manage, {});
    const port = await serveFlows(server, 'receive');
    await connectFlow(client, 'send', far(), port);
    await untilPaths(client, both());
    await receiveMore(server, 100_000);
    await endFlow(client, server);
    const warnings = await client.run(({ warnings: all }) => all);
    expect(warnings).toMatchObject([
      { code: 'MPTCP_POLICY', message: 'The policy everywhere failed: by begin' },
    ]);
  });

  test('requires the userspace mode, which it does not set itself', async () => {
    await setUp();
    const refused = await client.run(async ({ mptcp, state }) => {
      const pm = (state.pathManager = await mptcp.PathManager.open());
      const answers: unknown[] = [];
      const attempt = (call: () => unknown): void => {
        try {
          call();
        } catch (error) {
          const { name, code, message } = error as NodeJS.ErrnoException;
          answers.push([name, code, message.includes("pm.mode.set('userspace')")]);
        }
      };
      attempt(() => pm.manage(state.policy));
      attempt(() => pm.manage({ name: 'x' } as never));
      attempt(() => pm.manage(state.policy, { scope: 'host' } as never));
      attempt(() => pm.manage(state.policy, { by: 'endpoints' }));
      attempt(() => pm.manage(state.policy, { signal: AbortSignal.abort() }));
      return [answers, await pm.mode.get()];
    });
    expect(refused).toEqual([
      [
        ['MptcpError', 'ERR_MPTCP_PATH_MANAGER', true],
        ['TypeError', 'ERR_INVALID_ARG_TYPE', false],
        ['TypeError', 'ERR_INVALID_ARG_VALUE', false],
        ['TypeError', 'ERR_INVALID_ARG_VALUE', false],
        ['AbortError', 'ABORT_ERR', false],
      ],
      { mode: 'kernel', ownerless: false },
    ]);
  });

  test.each([
    ['ends', 'end'],
    ['destroys', 'destroy'],
  ] as const)('in a worker thread, for its own connections alone, which it %s', async (_, end) => {
    await setUp();
    const port = await serveFlows(server, 'receive');
    const counts = await client.run(
      async ({ net, once, Worker }, host, to, path, last) => {
        const worker = new Worker(
          `const { parentPort } = require('node:worker_threads');
          const { PathManager } = require(${JSON.stringify(path)} + '/index.js');
          const net = require(${JSON.stringify(path)} + '/net.js');
          PathManager.open().then(async (pm) => {
            await pm.mode.set('userspace');
            const decide = (view, event) => event.type === 'established'
              ? view.interfaces.flatMap(({ name, addresses }) => addresses
                  .filter(({ address, scope, family }) => scope === 'global' &&
                    family === event.remote.family && address !== event.local.address)
                  .map(({ address }) => ({ type: 'createSubflow', token: event.token,
                    reason: 'worker', remote: event.remote, local: { address, interface: name } })))
              : [];
            const managed = pm.manage({ name: 'worker', decide });
            await managed.ready;
            parentPort.postMessage('ready');
            parentPort.once('message', () => {
              const socket = net.connect(${to}, ${JSON.stringify(host)});
              socket.write('x'); // MPTCP is established with the first data
              const poll = setInterval(() => {
                const all = [...managed.view.connections.values()];
                if (all[0]?.paths.length !== 2) return;
                clearInterval(poll);
                socket.${last}();
                pm.close().then(() => parentPort.postMessage(all.length));
              }, 5);
            });
          });`,
          { eval: true },
        );
        const exited = once(worker, 'exit'); // the event may come with the last message
        await once(worker, 'message');
        const socket = net.connect(to, host);
        socket.write('x');
        await once(socket, 'connect'); // this socket is the main thread's
        worker.postMessage('go');
        const [count] = await once(worker, 'message');
        const [code] = await exited; // the worker exits by itself: nothing keeps it alive
        return { count, code };
      },
      far(),
      port,
      require.resolve('../../dist/index.js').replace(/\/index.js$/, ''),
      end,
    );
    expect(counts).toEqual({ count: 1, code: 0 });
  });
});
