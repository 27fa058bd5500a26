/**
 * Tests what kernels differ in: each works here, works another way, or says that it does not. The
 * outcomes are the rows of docs/kernels.md.
 */
import { MptcpError, PathManager, type SchedulingHints } from 'mptcp';
import { missing } from '../lab/requirements';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { type Outcome, recordRow } from '../lab/rows';
import type { Path } from '../lab/path';
import { type Hosts, twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { echoes } from './peers/echoes';
import { manage } from './peers/managed-peer';
import { Peer } from './peers/peer';

/** The code of the MptcpError with which a promise is rejected; undefined: it is fulfilled. */
async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof MptcpError) return error.code;
    throw error;
  }
}

/** What came with later kernels: see types/native.d.ts. */
const OPTIONAL_FIELDS = {
  info: [
    ...['localAddrUsed', 'localAddrMax', 'csumEnabled', 'retransmits', 'bytesRetrans'],
    ...['bytesSent', 'bytesReceived', 'bytesAcked', 'subflowsTotal'],
    ...['lastDataSent', 'lastDataRecv', 'lastAckRecv'],
  ],
  subflow: ['id'],
};
const SETTINGS = [
  ...(['blackhole_timeout', 'close_timeout', 'path_manager', 'pm_type'] as const),
  ...(['scheduler', 'syn_retrans_before_tcp_fallback'] as const),
];

const commands = (subject: string, outcome: Outcome, remark?: string): void =>
  recordRow({ part: 'Commands', subject, outcome, ...(remark !== undefined && { remark }) });

describeKernel('what kernels differ in', {}, () => {
  describe('endpoints and limits', () => {
    let host: Namespace;
    let pm: PathManager;
    beforeEach(async () => {
      host = new Namespace('rows');
      pm = await PathManager.open({ netns: host.name });
    });
    afterEach(async () => {
      await pm.close();
      await host.dispose();
    });

    test('an endpoint that exists, an id that is taken, and one endpoint too many', async () => {
      const signal = (address: string, id = 0) =>
        pm.endpoints.add({ address, signal: true, ...(id > 0 && { id }) });
      const first = await signal('192.0.2.1');
      expect(await codeOf(signal('192.0.2.1'))).toBe('ERR_MPTCP_EXISTS');
      expect(await codeOf(signal('192.0.2.2', first.id))).toBe('ERR_MPTCP_EXISTS');
      let last: unknown;
      for (let number = 2; number < 256 && last === undefined; ++number) {
        const error: unknown = await signal(`192.0.2.${number}`).catch((reason: unknown) => reason);
        if (error instanceof MptcpError) last = error;
      }
      const { length } = await pm.endpoints.list();
      if (last !== undefined)
        expect(last).toMatchObject({ code: 'ERR_MPTCP_LIMIT', maximum: length });
      commands('pm.endpoints.add()', 'works', `${length} endpoints at most`);
    });

    test('limits beyond the maximum', async () => {
      const error = (await pm.limits
        .set({ subflows: 0xffff })
        .catch((reason: unknown) => reason)) as MptcpError;
      expect(error).toMatchObject({ code: 'ERR_MPTCP_LIMIT' });
      const says =
        error.maximum === undefined
          ? 'the kernel does not say its maximum'
          : `${error.maximum} at most`;
      commands('pm.limits.set()', 'works', says);
    });

    test('settings that the kernel does not have are undefined', async () => {
      const all = await pm.sysctls.get();
      for (const name of SETTINGS) {
        expect(all[name] === undefined).toBe(
          !host.exec('ls', ['/proc/sys/net/mptcp']).split('\n').includes(name),
        );
        const outcome = all[name] === undefined ? 'undefined' : 'works';
        recordRow({ part: 'Settings', subject: name, outcome });
      }
    });

    test('the flag laminar', async () => {
      const outcome = await codeOf(pm.endpoints.add({ address: '192.0.2.1', laminar: true }));
      expect(outcome).toBe(missing('laminar') === undefined ? undefined : 'ERR_MPTCP_UNSUPPORTED');
      commands('pm.endpoints.add({ laminar })', (outcome as Outcome | undefined) ?? 'works');
    });

    test('commands for a connection that does not exist', async () => {
      const subflow = {
        local: { address: '192.0.2.1', port: 1 },
        remote: { address: '192.0.2.2', port: 1 },
      };
      const all = {
        'addresses.list': () => pm.addresses.list(1),
        'addresses.get': () => pm.addresses.get(1, 1),
        announce: () => pm.announce(1, { address: '192.0.2.1', id: 1, listen: false }),
        withdraw: () => pm.withdraw(1, 1),
        createSubflow: () =>
          pm.createSubflow(1, {
            local: { address: '192.0.2.1', id: 1 },
            remote: subflow.remote,
          }),
        destroySubflow: () => pm.destroySubflow(1, subflow),
        setBackup: () => pm.setBackup(1, subflow, true),
      };
      for (const [name, call] of Object.entries(all)) {
        expect([name, await codeOf(call())]).toEqual([name, 'ERR_MPTCP_NOT_FOUND']);
      }
    });

    test('endpoints of a killed process are taken over', async () => {
      host.ip('addr', 'add', '10.9.0.1/24', 'dev', 'lo');
      const killed = await Peer.start(host);
      await killed.run(async ({ mptcp, state }) => {
        state.pathManager = await mptcp.PathManager.open();
        await state.pathManager.endpoints.follow({ flags: { subflow: true } }).ready;
      });
      const [left] = await pm.endpoints.list();
      await killed.process.kill('SIGKILL');
      const followed = pm.endpoints.follow({ flags: { subflow: true } });
      const refused: unknown[] = [];
      followed.on('refused', ({ error }) => refused.push(error));
      await followed.ready;
      expect(refused).toEqual([]);
      expect(followed.endpoints).toEqual([left]);
      await followed.close();
      commands('pm.endpoints.follow()', 'works', 'also after a killed process');
    });
  });

  describe('connections', () => {
    let lab: Hosts<readonly [Path, Path]>;
    let pm: PathManager;
    let server: Peer;
    let client: Peer;
    let port: number;
    beforeAll(async () => {
      lab = await twoPaths({ join: 'none' });
      pm = await PathManager.open({ netns: lab.client.name });
      [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      port = await server.run(echoes.net.serve);
    });
    afterAll(async () => {
      await pm.close();
      await lab.dispose();
    });
    afterEach(() => client.run(({ state }) => state.socket.destroy()));

    /** Connects, under a path manager, and returns the token of the client's connection. */
    async function connect(
      mode: 'kernel' | 'userspace',
      hints: SchedulingHints = {},
    ): Promise<number> {
      for (const host of [lab.server, lab.client]) host.pathManager(mode);
      return ask(hints);
    }

    async function ask(hints: SchedulingHints = {}): Promise<number> {
      const host = lab.paths[0].server.address;
      await client.run(echoes.net.ask, 'mptcp', { host, port, mptcp: { hints } });
      return client.run(({ state }) => state.connection.token!);
    }

    test('addresses are those of the connection', async () => {
      const token = await connect('userspace');
      lab.client.addEndpoint('192.0.2.77', 'signal');
      expect(await pm.addresses.list(token)).toEqual([]);
      const { address } = lab.paths[1].client;
      await pm.announce(token, { address, id: 5, listen: false });
      expect(await pm.addresses.list(token)).toMatchObject([{ id: 5, address }]);
      expect(await pm.addresses.get(token, 5)).toMatchObject({ id: 5, address });
      expect(await codeOf(pm.addresses.get(token, 1))).toBe('ERR_MPTCP_NOT_FOUND');
      expect(await codeOf(pm.withdraw(token, 9))).toBe('ERR_MPTCP_NOT_FOUND');
      await pm.withdraw(token, 5);
      expect(await pm.addresses.list(token)).toEqual([]);
      await client.run(
        ({ state }, of) => state.connection.announce({ address: of, listen: false }),
        address,
      );
      await client.run(({ state }, of) => state.connection.withdraw({ address: of }), address);
      const remark = 'those of this process, and of open subflows';
      if (missing('addresses by token') === undefined) commands('pm.addresses', 'works');
      else commands('pm.addresses', 'works another way', remark);
      commands('connection.withdraw()', 'works');
    });

    test('a connection of the in-kernel path manager has no addresses', async () => {
      const token = await connect('kernel');
      expect(await codeOf(pm.addresses.list(token))).toBe('ERR_MPTCP_PATH_MANAGER');
      const [subflow] = await client.run(({ state }) =>
        state.connection.subflows().map(({ local, remote }) => ({ local, remote })),
      );
      expect(await codeOf(pm.setBackup(token, subflow!, true))).toBe('ERR_MPTCP_PATH_MANAGER');
    });

    /** Waits until both sides treat a subflow of the client's open connection as backup. */
    async function untilBackup(): Promise<void> {
      const clientPort = await client.run(({ state }) => state.socket.localPort!);
      const sides = [
        [lab.client, { localPort: clientPort }],
        [lab.server, { remotePort: clientPort }],
      ] as const;
      for (const [{ name }, filter] of sides) {
        await using there = await PathManager.open({ netns: name });
        await until('a subflow is backup', async () => {
          for await (const { subflows = [] } of there.connections(filter)) {
            if (subflows.some(({ backup }) => backup)) return true;
          }
          return false;
        });
      }
    }

    test('a subflow that is created as backup is backup', async () => {
      await connect('userspace');
      const priorities = (): number => lab.client.counters().MPTcpExtMPPrioTx ?? 0;
      const before = priorities();
      await client.run(({ state }) => state.connection.createSubflow({ backup: true }));
      await untilBackup();
      if (priorities() > before)
        commands(
          'createSubflow({ backup: true })',
          'works another way',
          'backup once it is connected',
        );
      else commands('createSubflow({ backup: true })', 'works');
    });

    test('fields that the kernel does not report are undefined', async () => {
      await connect('kernel');
      const [info, subflow] = await client.run(({ state }) => [
        state.connection.info() as object,
        state.connection.subflows()[0]! as object,
      ]);
      const fields = { info, subflow };
      for (const [of, names] of Object.entries(OPTIONAL_FIELDS)) {
        for (const name of names) {
          const value = (fields[of as keyof typeof fields] as Record<string, unknown>)[name];
          expect(['number', 'undefined']).toContain(typeof value);
          const outcome = value === undefined ? 'undefined' : 'works';
          recordRow({ part: 'Fields', subject: `${of}.${name}`, outcome });
        }
      }
    });

    test('hints that are socket options', async () => {
      await connect('kernel', { optimize: 'latency' });
      const hints = await client.run(({ state }) =>
        state.connection.hints.map(({ hint, applied, reason }) => ({
          hint,
          applied,
          code: reason?.code,
        })),
      );
      const outcome =
        missing('TCP_NOTSENT_LOWAT') === undefined ? undefined : 'ERR_MPTCP_UNSUPPORTED';
      expect(hints).toContainEqual({ hint: 'noDelay', applied: true });
      expect(hints).toContainEqual({
        ...{ hint: 'notsentLowat', applied: outcome === undefined },
        ...(outcome !== undefined && { code: outcome }),
      });
      recordRow({ part: 'Hints', subject: 'noDelay', outcome: 'works' });
      recordRow({ part: 'Hints', subject: 'notsentLowat', outcome: outcome ?? 'works' });
    });

    test('hints about paths under the in-kernel path manager', async () => {
      lab.paths[1].client.addEndpoint('subflow');
      await connect('kernel');
      await client.run(({ state, until }) => until(() => state.connection.subflows().length === 2));
      const backup = (endpoints: boolean) =>
        client.run(
          async ({ state }, device, allowed) => {
            const results = await state.connection.hint({
              paths: { backup: [device], endpoints: allowed },
            });
            return results.map(({ hint, by, applied, reason }) => ({
              hint,
              by,
              applied,
              code: reason?.code,
            }));
          },
          lab.paths[1].client.device,
          endpoints,
        );
      expect(await backup(false)).toMatchObject([
        { hint: 'paths.backup', by: 'MP_PRIO', applied: false, code: 'ERR_MPTCP_PATH_MANAGER' },
      ]);
      expect(await backup(true)).toMatchObject([
        { hint: 'paths.backup', by: 'endpoint', applied: true },
      ]);
      recordRow({
        part: 'Hints',
        subject: 'paths.backup, in-kernel path manager',
        outcome: 'works',
        remark: 'with `endpoints: true`',
      });
    });

    test('a policy creates backup subflows', async () => {
      await manage(client, [['backup', { standby: lab.paths[1].client.device }]]);
      await ask();
      await untilBackup();
      commands('policies.backup()', 'works');
    });
  });
});
