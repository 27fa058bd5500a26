/** Tests the commands of `Connection` for the paths of one connection. */
import { PathManager } from 'mptcp';
import type { AbortError, ConnectionEvent, ConnectionSubflowLocal } from '../../lib';
import { describeKernel } from '../lab/jest';
import { blackhole } from '../lab/middleboxes';
import { FAMILIES } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer, type PeerOptions } from './peers/peer';

/** Notes every event in `state.messages`, from when nothing is missed any more. */
const listen = async ({ state }: Inside) => {
  const seen: unknown[] = (state.messages = []);
  const events = state.connection.events();
  events.on('event', (event) => void seen.push(event));
  await events.ready;
};
const untilEmitted = async (peer: Peer, type: ConnectionEvent['type'], count = 1) => {
  const find = ({ state }: Inside, type: string) =>
    (state.messages as ConnectionEvent[]).filter((event) => event.type === type);
  await peer.run(
    ({ state, until }, type, number) =>
      until(
        () =>
          (state.messages as ConnectionEvent[]).filter((event) => event.type === type).length >=
          number,
      ),
    type,
    count,
  );
  return (await peer.run(find, type)).at(-1);
};
const addresses = (lab: Hosts, index: 0 | 1) => ({
  local: { address: lab.paths[index]!.client.address },
  remote: { address: lab.paths[index]!.server.address },
});

async function connected(
  lab: Hosts,
  options: PeerOptions = {},
  mode: 'kernel' | 'userspace' = 'userspace',
) {
  for (const host of [lab.server, lab.client]) host.pathManager(mode);
  const [server, client] = await Promise.all([
    Peer.start(lab.server, options),
    Peer.start(lab.client, options),
  ]);
  const port = await server.run(echoes.net.serve);
  const host = lab.paths[0]!.server.address;
  await client.run(echoes.net.ask, 'mptcp', { host, port });
  return { server, client, port };
}

type Command = 'createSubflow' | 'destroySubflow' | 'setBackup' | 'announce' | 'withdraw';

/** Why a command failed. */
const refusal = async ({ state }: Inside, name: Command, ...args: unknown[]) => {
  const connection = state.connection as unknown as Record<
    Command,
    (...all: unknown[]) => Promise<unknown>
  >;
  try {
    await connection[name](...args);
    return undefined;
  } catch (error) {
    const { name: kind, code, address } = error as Error & Record<string, unknown>;
    return { name: kind, code, address };
  }
};

describeKernel('commands for the paths of a connection', { needs: ['nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    test('a subflow is made, made backup and back, and removed: both sides see it', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { server, client, port } = await connected(lab);
      await Promise.all([client.run(listen), server.run(listen)]);
      const [, second] = lab.paths;

      const made = await client.run(({ state }) => state.connection.createSubflow());
      expect(made).toMatchObject({
        local: { address: second.client.address },
        remote: { address: lab.paths[0].server.address, port },
        interface: second.client.device,
        tcpInfo: { state: 1 },
      });
      const sides = [
        [client, 'local'],
        [server, 'remote'],
      ] as const;
      for (const [peer, side] of sides) {
        const subflow = { [side]: made.local };
        expect(await untilEmitted(peer, 'subflowEstablished')).toMatchObject({
          source: 'kernel',
          subflow,
        });
        await peer.run(({ state }) => state.connection.events().ready); // its flags are known
      }
      for (const backup of [true, false]) {
        await client.run(
          ({ state }, wished) =>
            state.connection.setBackup(state.connection.subflows()[1]!, wished),
          backup,
        );
        for (const [peer, side] of sides) {
          const event = await untilEmitted(peer, 'subflowPriority', backup ? 1 : 2);
          expect(event).toMatchObject({ side, backup, subflow: { [side]: made.local } });
        }
      }
      await client.run(({ state }) =>
        state.connection.destroySubflow(state.connection.subflows()[1]!),
      );
      for (const [peer] of sides) {
        await untilEmitted(peer, 'subflowClosed');
        expect(await peer.run(({ state }) => state.connection.subflows().length)).toBe(1);
      }
    });

    test('an address is announced, joined, and withdrawn', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { server, client } = await connected(lab);
      await client.run(listen);
      const { remote } = addresses(lab, 1);
      await server.run(({ state }, at) => state.connection.announce(at), remote);
      expect(await untilEmitted(client, 'announced')).toMatchObject(remote);
      const made = await client.run(
        ({ state }, at) => state.connection.createSubflow({ remote: at }),
        remote,
      );
      expect(made).toMatchObject(addresses(lab, 1));
      await server.run(({ state }, at) => state.connection.withdraw(at), remote);
      expect(await untilEmitted(client, 'removed')).toMatchObject(remote);
      expect(await server.run(refusal, 'withdraw', remote)).toMatchObject({
        code: 'ERR_MPTCP_NOT_FOUND',
      });
    });

    test.each(['connection', 'path manager'])(
      'the peer closes its end of a dark subflow that the %s destroys',
      async (by) => {
        await using lab = await twoPaths({ family, join: 'none' });
        const { server, client } = await connected(lab);
        await Promise.all([client.run(listen), server.run(listen)]);
        await using pm = await PathManager.open({ netns: lab.client.name });
        const token = await client.run(({ state }) => state.connection.token!);
        const destroy = async (): Promise<void> => {
          const { local, remote } = await client.run(
            ({ state }) => state.connection.subflows()[1]!,
          );
          if (by === 'path manager') return pm.destroySubflow(token, { local, remote });
          await client.run(({ state }, ends) => state.connection.destroySubflow(ends), {
            ...{ local, remote },
          });
        };

        const make = (): Promise<unknown> =>
          client.run(({ state }) => state.connection.createSubflow());
        await make();
        await untilEmitted(server, 'subflowEstablished');
        const restore = lab.paths[1].insert(blackhole);
        await destroy();
        await untilEmitted(server, 'subflowClosed');
        expect(await server.run(({ state }) => state.connection.subflows().length)).toBe(1);

        // What is announced stays announced.
        restore();
        const { address } = lab.paths[1].client;
        await client.run(({ state }, of) => state.connection.announce({ address: of }), address);
        await untilEmitted(server, 'announced');
        await make();
        await untilEmitted(server, 'subflowEstablished', 2);
        await destroy();
        const other = family === 4 ? '203.0.113.2' : 'fd00:9::2';
        await client.run(
          ({ state }, of) => state.connection.announce({ address: of, listen: false }),
          other,
        );
        await untilEmitted(server, 'announced', 2);
        const removed = await server.run(({ state }) =>
          (state.messages as ConnectionEvent[]).filter(({ type }) => type === 'removed'),
        );
        expect(removed).toHaveLength(1); // that of the dark subflow
      },
    );

    test('several at once, over one path: each resolves with its own', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { client } = await connected(lab);
      const local = lab.paths[1].client.address;
      const made = await client.run(
        ({ state }, from) =>
          Promise.all(
            [true, false, true].map((backup) =>
              state.connection.createSubflow({ local: from, backup }),
            ),
          ),
        local,
      );
      const ports = new Set(made.map((each) => each.local.port));
      expect(ports.size).toBe(3);
      expect(await client.run(({ state }) => state.connection.subflows().length)).toBe(4);
      expect(await client.run(refusal, 'createSubflow')).toMatchObject({
        code: 'ERR_MPTCP_NOT_FOUND', // no interface is left
      });
    });

    test('the address of the initial subflow has the id 0, also when that subflow is gone', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { client, server } = await connected(lab);
      await server.run(listen);
      const [first, second] = lab.paths.map((path) => path.client.address) as [string, string];
      await using pm = await PathManager.open({ netns: lab.client.name });
      const token = await client.run(({ state }) => state.connection.token!);
      expect(await pm.addresses.get(token, 0)).toMatchObject({ id: 0, address: first });
      await client.run(async ({ state }) => {
        await state.connection.createSubflow();
        await state.connection.destroySubflow(state.connection.subflows()[0]!);
      });
      await untilEmitted(server, 'subflowClosed');
      const create = (local: string | ConnectionSubflowLocal) =>
        client.run(async ({ state }, at) => {
          const made = await state.connection.createSubflow({ local: at });
          return made.local.address;
        }, local);
      expect(await pm.addresses.get(token, 0)).toMatchObject({ id: 0, address: first });
      for (const local of [{ id: 0 }, first, { address: first }, { address: first, id: 0 }]) {
        expect(await create(local)).toBe(first);
      }
      expect(await create({ id: 1 })).toBe(second);
      expect(await create({ interface: lab.paths[1].client.device })).toBe(second);
      expect(await pm.addresses.get(token, 0)).toMatchObject({ id: 0, address: first });
      expect(await client.run(refusal, 'createSubflow', { local: { id: 9 } })).toMatchObject({
        code: 'ERR_MPTCP_NOT_FOUND',
      });
      const { remote } = await client.run(({ state }) => state.connection.subflows()[0]!);
      await pm.createSubflow(token, { local: { address: first, id: 0 }, remote });
      await untilEmitted(server, 'subflowEstablished', 8);
      const ids = async (): Promise<(number | undefined)[]> => {
        for await (const { subflows } of pm.connections()) {
          return subflows!.map(({ localId }) => localId).sort();
        }
        return [];
      };
      expect(await ids()).toEqual([0, 0, 0, 0, 0, 1, 1, 1]);
    });

    test('an address that this host does not have is announced with listen: false', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      lab.server.sysctl('net.ipv4.tcp_timestamps', 0); // so that IPv6 addresses fit with a port
      const { client, server, port } = await connected(lab);
      await client.run(listen);
      await using pm = await PathManager.open({ netns: lab.server.name });
      const token = await server.run(({ state }) => state.connection.token!);
      const [address, other] =
        family === 4 ? ['203.0.113.1', '203.0.113.2'] : ['fd00:9::1', 'fd00:9::2'];
      const at = { address, port: 443 };
      const why = await server.run(
        ({ state }, options) =>
          state.connection.announce(options).catch((error: unknown) => (error as Error).message),
        at,
      );
      expect(why).toMatch(/not have the address.*listen: false/);
      await server.run(async ({ state }, options) => {
        await state.connection.announce({ ...options, listen: false, interface: 'eth2' });
      }, at);
      expect(await untilEmitted(client, 'announced')).toMatchObject(at);
      await pm.announce(token, { id: 9, address: other, listen: false, interface: 'eth1' });
      expect(await untilEmitted(client, 'announced', 2)).toMatchObject({ address: other, port });
      expect(await pm.addresses.list(token)).toMatchObject([
        { id: 1, ...at, interface: 'eth2', signal: true },
        { id: 9, address: other, interface: 'eth1' },
      ]);
      await server.run(({ state }, options) => state.connection.withdraw(options), at);
      expect(await untilEmitted(client, 'removed')).toMatchObject({ remoteId: 1 });
      await server.run(({ state }, of) => state.connection.withdraw({ address: of }), other);
      expect(await untilEmitted(client, 'removed', 2)).toMatchObject({ remoteId: 9 });
      expect(await pm.addresses.list(token)).toEqual([]);
    });

    test('where a TCP server listens, joins are announced with listen: false alone', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      lab.server.sysctl('net.ipv4.tcp_timestamps', 0); // so that IPv6 addresses fit with a port
      const { client, server } = await connected(lab);
      await client.run(listen);
      const { address } = lab.paths[1].server;
      const port = await server.run(
        ({ plain, listen: bind }, host) => bind(plain.net.createServer(), host),
        address,
      );
      const at = { address, port };
      expect(await server.run(refusal, 'announce', at)).toMatchObject({ code: 'ERR_MPTCP_EXISTS' });
      await server.run(
        ({ state }, options) => state.connection.announce({ ...options, listen: false }),
        at,
      );
      expect(await untilEmitted(client, 'announced')).toMatchObject(at);
    });

    test('an id that another program has given is left alone', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { client, server } = await connected(lab);
      await client.run(listen);
      await using pm = await PathManager.open({ netns: lab.server.name });
      const token = await server.run(({ state }) => state.connection.token!);
      const other = family === 4 ? '203.0.113.2' : 'fd00:9::2';
      await pm.announce(token, { id: 1, address: other, listen: false });
      const { address } = lab.paths[1].server;
      await server.run(({ state }, options) => state.connection.announce(options), { address });
      expect(await untilEmitted(client, 'announced', 2)).toMatchObject({ address, remoteId: 2 });
    });

    test('why there is no subflow', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { client, port } = await connected(lab);
      const { address } = lab.paths[0].server;
      expect(
        await client.run(refusal, 'createSubflow', { remote: { address, port: port - 1 } }),
      ).toMatchObject({ code: 'ECONNREFUSED', address });

      lab.paths[1].insert(blackhole);
      const aborted = await client.run(async ({ state, until }) => {
        const controller = new AbortController();
        const adding = state.connection.createSubflow({}, { signal: controller.signal });
        adding.catch(() => undefined);
        const before = state.connection.subflows().length;
        await until(() => state.connection.subflows().length > before); // it connects
        controller.abort();
        return adding.catch((error: unknown) => {
          const { name, applied } = error as AbortError;
          return [name, applied];
        });
      });
      expect(aborted).toEqual(['AbortError', true]);
      const closed = await client.run(async ({ state, until }, local) => {
        const adding = state.connection.createSubflow({ local });
        adding.catch(() => undefined);
        const before = state.connection.subflows().length;
        await until(() => state.connection.subflows().length > before);
        state.socket.destroy();
        return adding.catch((error: unknown) => (error as { code: string }).code);
      }, lab.paths[1].client.address);
      expect(closed).toBe('ERR_MPTCP_CLOSED');
    });
  });

  test('a connection of the in-kernel path manager, or of nobody', async () => {
    await using lab = await twoPaths({ join: 'none' });
    const { client } = await connected(lab, {}, 'kernel');
    const subflow = addresses(lab, 0);
    const both = { local: { ...subflow.local, port: 5 }, remote: { ...subflow.remote, port: 5 } };
    for (const call of [
      ['createSubflow'],
      ['destroySubflow', both],
      ['setBackup', both, true],
      ['announce', subflow.local],
      ['withdraw', subflow.local],
    ] as const) {
      expect(await client.run(refusal, ...call)).toMatchObject({ code: 'ERR_MPTCP_PATH_MANAGER' });
    }
    expect(await client.run(refusal, 'createSubflow', { local: 'eth1' })).toMatchObject({
      ...{ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' },
    });
    expect(await client.run(refusal, 'setBackup', both)).toMatchObject({ name: 'TypeError' });
    const [local, { address }] = [{ id: 256 }, subflow.local];
    expect(await client.run(refusal, 'createSubflow', { local })).toMatchObject({
      ...{ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' },
    });
    for (const call of [
      ['createSubflow', { local: { interface: 'eth1' }, interface: 'eth2' }],
      ['announce', { address, listen: 1 }],
      ['announce', { address, interface: '' }],
    ] as const) {
      expect(await client.run(refusal, ...call)).toMatchObject({ name: 'TypeError' });
    }
    const tcp = await client.run(async ({ plain, mptcp, once, state }) => {
      const { address, port } = state.connection.subflows()[0]!.remote;
      const socket = plain.net.connect(port, address);
      await once(socket, 'connect');
      const error: unknown = await mptcp
        .connectionOf(socket)
        .createSubflow()
        .catch((reason: unknown) => reason);
      socket.destroy();
      return (error as { code: string }).code;
    });
    expect(tcp).toBe('ERR_MPTCP_FALLBACK');
  });

  test('without the capability', async () => {
    await using lab = await twoPaths({ join: 'none' });
    const { client } = await connected(lab, { unprivileged: true });
    for (const call of [['createSubflow'], ['announce', addresses(lab, 1).local]] as const) {
      expect(await client.run(refusal, ...call)).toMatchObject({ code: 'ERR_MPTCP_PERMISSION' });
    }
  });

  test("userspace mode's default policy leaves alone what the app has commanded", async () => {
    await using lab = await twoPaths({ join: 'none' });
    lab.client.limits({ subflows: 1, addAddrAccepted: 0 });
    const { client, server } = await connected(lab, {}, 'kernel');
    const { remote } = addresses(lab, 0);
    const made = await client.run(
      async ({ net, mptcp, once, state }, host, port) => {
        const pm = await mptcp.PathManager.open();
        await pm.mode.set('userspace');
        const socket = net.connect(port, host);
        await once(
          socket.on('error', () => undefined),
          'connect',
        );
        socket.write('hello');
        await once(socket, 'data');
        state.connection = mptcp.connectionOf(socket);
        const [first] = state.connection.subflows();
        const { address: local } = (await pm.interfaces.list())
          .find(({ name }) => name === 'eth2')!
          .addresses.find(({ family }) => family === first!.local.family)!;
        for (let n = 0; n < 3; n++) await state.connection.createSubflow({ local });
        await pm.limits.set({ subflows: 2 }); // what the policy does, it does at once
        await pm.limits.get();
        return state.connection.subflows().length;
      },
      remote.address,
      await server.run(({ state }) => (state.server.address() as unknown as { port: number }).port),
    );
    expect(made).toBe(4);
  });

  test('the thread goes when nothing is to do, and keeps no process alive', async () => {
    await using lab = await twoPaths({ join: 'none' });
    const { client, server } = await connected(lab);
    const before = await client.run((inside) => inside.threads());
    const during = await client.run(async ({ state, threads }) => {
      await state.connection.createSubflow();
      return threads(); // it lingers for a moment
    });
    expect(during).toBeGreaterThan(before);
    await client.run((inside, most) => inside.until(() => inside.threads() <= most), before);

    const port = await server.run(
      ({ state }) => (state.server.address() as unknown as { port: number }).port,
    );
    const child = lab.client.spawn(process.execPath, [
      '-e',
      `const { connect } = require('./dist/net.js');
       const { connectionOf } = require('./dist/index.js');
       const socket = connect(${port}, '${lab.paths[0].server.address}', () => socket.write('x'));
       socket.once('data', async () => {
         await connectionOf(socket).createSubflow();
         await connectionOf(socket).announce({ address: '${lab.paths[1].client.address}' });
         console.log(connectionOf(socket).subflows().length);
         socket.unref();
       });`,
    ]);
    expect(await child.success()).toBe('2\n');
  });
});
