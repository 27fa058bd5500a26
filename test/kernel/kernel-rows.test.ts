/**
 * Tests what kernels differ in: each works here, works another way, or says that it does not. The
 * outcomes are the rows of docs/kernels.md.
 */
import { MptcpError, PathManager } from 'mptcp';
import { missing } from '../lab/requirements';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { type Outcome, recordRow } from '../lab/rows';
import { twoPaths } from '../lab/topologies';
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

  describe('connections that userspace manages', () => {
    const connected = async (
      mode: 'kernel' | 'userspace' = 'userspace',
      prepare: (client: Peer, devices: string[]) => Promise<unknown> = () => Promise.resolve(),
    ) => {
      const lab = await twoPaths({ join: 'none' });
      for (const host of [lab.server, lab.client]) host.pathManager(mode);
      const pm = await PathManager.open({ netns: lab.client.name });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      await prepare(
        client,
        lab.paths.map(({ client: { device } }) => device),
      );
      const port = await server.run(echoes.net.serve);
      await client.run(echoes.net.ask, 'mptcp', { host: lab.paths[0].server.address, port });
      const token = await client.run(({ state }) => state.connection.token!);
      return {
        ...{ lab, server, client, pm, token },
        [Symbol.asyncDispose]: async () => {
          await pm.close();
          await lab.dispose();
        },
      };
    };

    test('addresses are those of the connection', async () => {
      await using open = await connected();
      const { lab, pm, token, client } = open;
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
      await using open = await connected('kernel');
      expect(await codeOf(open.pm.addresses.list(open.token))).toBe('ERR_MPTCP_PATH_MANAGER');
      const [subflow] = await open.client.run(({ state }) =>
        state.connection.subflows().map(({ local, remote }) => ({ local, remote })),
      );
      expect(await codeOf(open.pm.setBackup(open.token, subflow!, true))).toBe(
        'ERR_MPTCP_PATH_MANAGER',
      );
    });

    /** Whether both sides treat the second subflow as backup. */
    const isBackup = async ({ netns }: { netns: string }): Promise<boolean> => {
      await using pm = await PathManager.open({ netns });
      for await (const { subflows = [] } of pm.connections({ state: 'ESTABLISHED' })) {
        if (subflows.length === 2)
          return subflows[1]!.backup === true || subflows[0]!.backup === true;
      }
      return false;
    };

    test('a subflow that is created as backup is backup', async () => {
      await using open = await connected();
      const { lab, client } = open;
      const before =
        Object.entries(lab.client.counters()).find(([name]) => name === 'MPTcpExtMPPrioTx')?.[1] ??
        0;
      await client.run(({ state }) => state.connection.createSubflow({ backup: true }));
      for (const host of [lab.client, lab.server]) {
        await until('the subflow is backup', () => isBackup({ netns: host.name }));
      }
      const after = lab.client.counters().MPTcpExtMPPrioTx ?? 0;
      if (after > before)
        commands(
          'createSubflow({ backup: true })',
          'works another way',
          'backup once it is connected',
        );
      else commands('createSubflow({ backup: true })', 'works');
    });

    test('hints that are socket options', async () => {
      await using open = await connected('kernel');
      const { lab, server, client } = open;
      const port = await server.run(echoes.net.serve);
      await client.run(echoes.net.ask, 'mptcp', {
        ...{ host: lab.paths[0].server.address, port },
        mptcp: { hints: { optimize: 'latency' } },
      });
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
      await using open = await connected('kernel');
      const { lab, client } = open;
      lab.client.addEndpoint(lab.paths[1].client.address, 'subflow');
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
        outcome: 'works another way',
        remark: 'with `endpoints: true`',
      });
    });

    test('a policy creates backup subflows', async () => {
      await using open = await connected('kernel', (client, [, standby]) =>
        manage(client, [['backup', { standby: standby! }]]),
      );
      const { lab } = open;
      for (const host of [lab.client, lab.server]) {
        await until('the subflow is backup', () => isBackup({ netns: host.name }));
      }
      commands('policies.backup()', 'works');
    });
  });
});
