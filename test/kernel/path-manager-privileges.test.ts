/**
 * Tests of path managers without privilege, in other namespaces, and as root of a user namespace.
 */
import { join } from 'node:path';
import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { run } from '../lab/namespace';
import { twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { ForeignClient, foreignServer } from './peers/foreign-processes';
import { Peer } from './peers/peer';

const PACKAGE = join(__dirname, '..', '..', 'dist');
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

describeKernel('path manager privileges', {}, () => {
  test('without capabilities, reads work, changes name the missing one, and events come from dumps', async () => {
    await using lab = await twoPaths();
    const [first] = lab.paths;
    const { port } = await foreignServer(lab.server, '::');
    const foreign = await ForeignClient.connect(lab.client, first.server.address, port);
    await until(
      'the second subflow has joined',
      () => lab.server.counters().MPTcpExtMPJoinAckRx === 1,
    );
    const peer = await Peer.start(lab.client, { unprivileged: true });
    const found = await peer.run(async ({ mptcp, state }) => {
      const pm = await mptcp.PathManager.open();
      const refused = async (promise: Promise<unknown>) =>
        promise.then(
          () => undefined,
          (error: unknown) => ({
            code: (error as { code: string }).code,
            message: (error as Error).message,
          }),
        );
      const changes = [
        await refused(pm.endpoints.add({ address: '10.0.0.9' })),
        await refused(pm.endpoints.delete(1)),
        await refused(pm.endpoints.update(1, { backup: true })),
        await refused(pm.endpoints.flush()),
        await refused(pm.limits.set({ subflows: 1 })),
        await refused(pm.withdraw(5, 1)),
        await refused(pm.sysctls.set('close_timeout', 5)),
        await refused(pm.mode.set('userspace')),
      ];
      const events = pm.events({ interval: 20 });
      const types: string[] = [];
      events.on('event', (event) => types.push(event.type));
      await events.ready;
      Object.assign(state, { types });
      const connections = [];
      for await (const { token, subflows } of pm.connections()) {
        connections.push([typeof token, subflows?.length]);
      }
      return {
        changes,
        connections,
        source: events.source,
        endpoints: (await pm.endpoints.list()).length,
        limits: await pm.limits.get(),
        mode: await pm.mode.get(),
        counters: (await pm.counters()).values.MPCapableSYNTX,
        interfaces: (await pm.interfaces.list()).map(({ name }) => name),
        enabled: await pm.sysctls.get('enabled'),
      };
    });
    for (const change of found.changes) {
      expect(change).toMatchObject({ code: 'ERR_MPTCP_PERMISSION' });
      expect(change?.message).toMatch(/CAP_NET_ADMIN.*AmbientCapabilities.*setpriv.*unshare -Urn/);
      expect(change?.message).toContain('Do not use setcap on node');
    }
    expect(found).toMatchObject({
      ...{ source: 'dump', endpoints: 1, limits: { subflows: 8, addAddrAccepted: 8 } },
      ...{ mode: { mode: 'kernel' }, counters: 1, enabled: true },
      ...{ interfaces: ['lo', 'eth1', 'eth2'], connections: [['number', 2]] },
    });
    await foreign.open();
    await peer.run(({ state, until }) =>
      until(() => (state as unknown as { types: string[] }).types.includes('established')),
    );
    await foreign.close();
    await peer.run(({ state, until }) =>
      until(
        () =>
          (state as unknown as { types: string[] }).types.filter((type) => type === 'closed')
            .length === 2,
      ),
    );
    await peer.stop();
    expect(foreign.process.running).toBe(true);
  });

  test('the error of another namespace names CAP_SYS_ADMIN', async () => {
    await using lab = await twoPaths();
    const script = `
      require(${JSON.stringify(PACKAGE)}).PathManager.open({ netns: ${JSON.stringify(lab.server.name)} })
        .catch(({ code, message }) => console.log(JSON.stringify({ code, message })));`;
    const output = lab.client.exec('setpriv', [...NOBODY, process.execPath, '-e', script]);
    const { code, message } = JSON.parse(output) as { code: string; message: string };
    expect(code).toBe('ERR_MPTCP_PERMISSION');
    expect(message).toContain('CAP_SYS_ADMIN');
  });

  test('everything works without root in a user namespace', () => {
    const script = `
      const { PathManager } = require(${JSON.stringify(PACKAGE)});
      const { execFileSync } = require('node:child_process');
      PathManager.open().then(async (pm) => {
        execFileSync('ip', ['link', 'set', 'lo', 'up']);
        const events = pm.events();
        await events.ready;
        const endpoint = await pm.endpoints.add({ address: '127.0.0.2', subflow: true });
        await pm.limits.set({ subflows: 8 });
        await pm.sysctls.set('close_timeout', 5);
        await pm.mode.set('userspace');
        const { mode } = await pm.mode.get();
        console.log(JSON.stringify({ id: endpoint.id, source: events.source, mode }));
        await pm.close();
      });`;
    const output = run('setpriv', [
      ...[...NOBODY, 'unshare', '-Urn', process.execPath, '-e', script],
    ]);
    expect(JSON.parse(output)).toEqual({ id: 1, source: 'kernel', mode: 'userspace' });
  });

  test('pending calls keep the process alive, and streams do not', async () => {
    await using lab = await twoPaths();
    const script = `
      const { PathManager } = require(${JSON.stringify(PACKAGE)});
      PathManager.open().then(async (pm) => {
        await pm.events().ready;
        await pm.interfaces.watch().ready;
        console.log((await pm.endpoints.list()).length);
      });`;
    const program = lab.client.spawn(process.execPath, ['-e', script]);
    expect(await program.success()).toBe('1\n');
  });
});

describeKernel('connections() of a path manager', {}, () => {
  test('filters, streams and can be aborted', async () => {
    await using lab = await twoPaths();
    const [first] = lab.paths;
    await using pm = await PathManager.open({ netns: lab.client.name });
    const { port } = await foreignServer(lab.server, '::');
    await ForeignClient.connect(lab.client, first.server.address, port, 30);
    const count = async (...args: Parameters<PathManager['connections']>) => {
      const tokens = [];
      for await (const { token } of pm.connections(...args)) tokens.push(token);
      return tokens.length;
    };
    const bySs = lab.client.exec('ss', ['-HMtn', 'state', 'established']).trim().split('\n');
    expect(await count()).toBe(bySs.filter((line) => line.includes('mptcp')).length);
    expect(await count({ remotePort: port, remoteAddress: first.server.address })).toBe(30);
    expect(await count({ remotePort: port + 1 })).toBe(0);
    expect(await count({ localAddress: '9.9.9.9' })).toBe(0);
    expect(await count({ state: 'LISTEN' })).toBe(0);
    expect(await count({ state: ['ESTABLISHED', 'LISTEN'] })).toBe(30);
    for await (const connection of pm.connections({}, { subflows: false })) {
      expect(connection).not.toHaveProperty('subflows');
      expect(connection).toMatchObject({ uid: 0, state: 'ESTABLISHED', fallback: false });
    }
    const signal = AbortSignal.abort();
    await expect(count({}, { signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(() => pm.connections({ state: 'OPEN' as 'LISTEN' })).toThrow(TypeError);

    const before = await pm.counters();
    expect(before.values.MPCapableSYNTX).toBe(30);
    await ForeignClient.connect(lab.client, first.server.address, port, 3);
    expect((await pm.counters()).difference(before).values).toMatchObject({ MPCapableSYNTX: 3 });
  });
});
