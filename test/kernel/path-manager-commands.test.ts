/** Tests the commands of PathManager, their results and their errors. */
import { join } from 'node:path';
import { AbortError, MptcpError, type MptcpErrorCode, PathManager, policies } from 'mptcp';
import type { NativeEndpoint } from '../../types/native';
import { Endpoints } from '../../lib/endpoints/endpoints';
import { canonicalAddress } from '../../lib/base/addresses';
import { Commands } from '../../lib/kernel/commands';
import { type Abortable } from 'mptcp/base/abort';
import { describeKernel, testWith } from '../lab/jest';
import { Namespace, run } from '../lab/namespace';
import type { Process } from '../lab/process';
import { missing } from '../lab/requirements';

const WITNESS = join(__dirname, 'peers', 'netlink-observer.js');
const ADDRESSES = {
  4: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
  6: ['fd00::1', 'fd00::2', 'fe80::1%lo'],
} as const;

const SYSCTLS = ['sysctl close_timeout', 'sysctl path_manager', 'sysctl scheduler'] as const;

interface Listed {
  id: number;
  address: string;
}

/** The kernel's refusal as the user sees it. */
async function refusal(promise: Promise<unknown>): Promise<MptcpError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MptcpError);
  return error as MptcpError;
}

describeKernel('path manager commands', {}, () => {
  let host: Namespace;
  let pm: PathManager;
  beforeEach(async () => {
    host = new Namespace('pm');
    pm = await PathManager.open({ netns: host.name });
  });
  afterEach(async () => {
    await pm.close();
    await host.dispose();
  });

  const byIp = (): (Listed & Record<string, unknown>)[] =>
    JSON.parse(host.ip('-j', 'mptcp', 'endpoint')) as Listed[] as never;

  test('endpoints without effect: a warning says why', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    try {
      host.ip('addr', 'add', '10.0.0.1/24', 'dev', 'lo');
      await pm.endpoints.add({ address: '10.0.0.1', subflow: true });
      await pm.endpoints.add({ address: '192.0.2.7', signal: true }); // a NAT may have it
      await pm.endpoints.add({ address: '10.0.0.2', subflow: true });
      await pm.endpoints.add({ address: '10.0.0.3' });
      expect(warned.mock.calls.map(([message]) => message)).toEqual([
        expect.stringContaining('10.0.0.2 has no effect: no interface has its address'),
        expect.stringContaining('10.0.0.3 has no effect: give a flag'),
      ]);
    } finally {
      warned.mockRestore();
    }
  });

  const token = 1;
  const local = { address: '10.0.0.1', id: 1 };
  const subflow = {
    local: { address: '10.0.0.1', port: 1 },
    remote: { address: '10.0.0.2', port: 1 },
  };
  const CALLS: Record<string, (closed: PathManager) => unknown> = {
    'endpoints.add': (closed) => closed.endpoints.add({ address: '10.0.0.1', signal: true }),
    'endpoints.list': (closed) => closed.endpoints.list(),
    'endpoints.flush': (closed) => closed.endpoints.flush(),
    'endpoints.follow': (closed) => closed.endpoints.follow({ flags: { subflow: true } }),
    'limits.get': (closed) => closed.limits.get(),
    'limits.set': (closed) => closed.limits.set({ subflows: 1 }),
    'mode.get': (closed) => closed.mode.get(),
    'mode.set': (closed) => closed.mode.set('userspace'),
    'sysctls.get': (closed) => closed.sysctls.get(),
    'interfaces.list': (closed) => closed.interfaces.list(),
    'interfaces.watch': (closed) => closed.interfaces.watch(),
    'addresses.list': (closed) => closed.addresses.list(token),
    announce: (closed) => closed.announce(token, { ...local, port: 1 }),
    withdraw: (closed) => closed.withdraw(token, 1),
    createSubflow: (closed) => closed.createSubflow(token, { local, remote: subflow.remote }),
    destroySubflow: (closed) => closed.destroySubflow(token, subflow),
    setBackup: (closed) => closed.setBackup(token, subflow, true),
    manage: (closed) => closed.manage(policies.fullmesh()),
    behindLoadBalancer: (closed) => closed.behindLoadBalancer({ address: '10.0.0.1' }),
    counters: (closed) => closed.counters(),
    events: (closed) => closed.events(),
    connections: (closed) => closed.connections(),
  };

  test.each(Object.entries(CALLS))('after close(): %s is ERR_MPTCP_CLOSED', async (_, call) => {
    await pm.close();
    const error = await refusal(Promise.resolve().then(() => call(pm)));
    expect(error).toMatchObject({ code: 'ERR_MPTCP_CLOSED' });
  });

  test('close() twice is one close', async () => {
    expect(pm.close()).toBe(pm.close());
    await pm.close();
  });

  describe.each([4, 6] as const)('endpoints of IPv%i', (family) => {
    const [first, second, third] = ADDRESSES[family];

    testWith('are what ip mptcp and the npm package netlink see', ['laminar'], async () => {
      const witness: Process = host.spawn(process.execPath, [WITNESS]);
      await witness.json();
      const added = [
        await pm.endpoints.add({ address: first, subflow: true, backup: true, fullmesh: true }),
        await pm.endpoints.add({ address: second, signal: true, id: 77, interface: 'lo' }),
        await pm.endpoints.add({ address: third, subflow: true, laminar: true }),
      ];
      expect(added).toMatchObject([
        { id: 1, address: first, subflow: true, backup: true, fullmesh: true, signal: false },
        { id: 77, address: second, signal: true, subflow: false, interface: 'lo' },
        { id: 78, address: third, subflow: true, laminar: true, implicit: false },
      ]);
      expect(added.map(({ flags }) => flags)).toEqual([2 | 4 | 8, 1, 2 | 32]);
      expect(await pm.endpoints.list()).toEqual(added);
      expect(byIp()).toMatchObject([
        { id: 1, address: first, subflow: true, backup: true, fullmesh: true },
        { id: 77, address: second, signal: true, dev: 'lo' },
        { id: 78, address: third.replace(/%.*/, ''), subflow: true },
      ]);
      witness.stdin.write('\n');
      const { endpoints } = await witness.json<{
        endpoints: (Listed & { flags: number; interface: number })[];
      }>();
      expect(
        endpoints.map((each) => ({ ...each, address: canonicalAddress(each.address) })),
      ).toEqual([
        { id: 1, address: first, flags: 2 | 4 | 8, interface: 0 },
        { id: 77, address: second, flags: 1, interface: 1 },
        {
          id: 78,
          address: third.replace(/%.*/, ''),
          flags: 2 | 32,
          interface: family === 6 ? 1 : 0,
        },
      ]);
    });

    test('are got, updated and deleted by id and by address', async () => {
      await pm.endpoints.add({ address: first, subflow: true });
      await pm.endpoints.add({ address: second, subflow: true });
      expect(await pm.endpoints.get(2)).toMatchObject({ address: second });
      expect(await pm.endpoints.get(first)).toMatchObject({ id: 1 });

      expect(await pm.endpoints.update(1, { backup: true })).toMatchObject({ backup: true });
      expect(await pm.endpoints.update(first, { fullmesh: true })).toMatchObject({
        ...{ backup: true, fullmesh: true, subflow: true },
      });
      expect(byIp()[0]).toMatchObject({ id: 1, subflow: true, backup: true, fullmesh: true });
      await pm.endpoints.update(first, { backup: false, fullmesh: false });
      expect(byIp()[0]).not.toHaveProperty('backup');
      expect(byIp()[0]).not.toHaveProperty('fullmesh');

      await pm.endpoints.delete(1);
      await pm.endpoints.delete(second);
      await pm.endpoints.delete({ id: 0, address: first });
      expect(byIp()).toEqual([]);
    });

    test('keep every change of updates at once', async () => {
      await pm.endpoints.add({ address: first, subflow: true });
      const updates = [{ backup: true }, { fullmesh: true }, { backup: false }];
      const updated = await Promise.all(updates.map((changes) => pm.endpoints.update(1, changes)));
      expect(updated).toMatchObject([
        { backup: true, fullmesh: false },
        { backup: true, fullmesh: true },
        { backup: false, fullmesh: true },
      ]);
      expect(await pm.endpoints.get(1)).toMatchObject({ backup: false, fullmesh: true });
    });

    test('are seen however they were made, and all flushed', async () => {
      host.addEndpoint(first, 'signal', 'id', '9');
      expect(await pm.endpoints.list()).toMatchObject([{ id: 9, address: first, signal: true }]);
      await pm.endpoints.flush();
      expect(byIp()).toEqual([]);
    });

    test('a port is listened at while the endpoint is there', async () => {
      const address = family === 4 ? '127.0.0.1' : '::1';
      const { id } = await pm.endpoints.add({ address, port: 5000, signal: true });
      expect(await pm.endpoints.get(id)).toMatchObject({ address, port: 5000 });
      expect(host.exec('ss', ['-HMltn'])).toContain(':5000');
      await pm.endpoints.delete(id);
      expect(host.exec('ss', ['-HMltn'])).not.toContain(':5000');
    });
  });

  test('IPv4 addresses are IPv4 however they are written', async () => {
    expect(await pm.endpoints.add({ address: '::ffff:10.0.0.1' })).toMatchObject({
      address: '10.0.0.1',
    });
    expect(await pm.endpoints.get('::FFFF:a00:1')).toMatchObject({ address: '10.0.0.1' });
  });

  test('limits are what ip mptcp and the npm package netlink see', async () => {
    expect(await pm.limits.get()).toEqual({ subflows: 2, addAddrAccepted: 0 });
    expect(await pm.limits.set({ subflows: 5 })).toEqual({ subflows: 5, addAddrAccepted: 0 });
    expect(await pm.limits.set({ addAddrAccepted: 3 })).toEqual({
      subflows: 5,
      addAddrAccepted: 3,
    });
    expect(host.ip('mptcp', 'limits')).toMatch(/add_addr_accepted 3 subflows 5/);
    const witness = host.spawn(process.execPath, [WITNESS]);
    await witness.json();
    witness.stdin.write('\n');
    expect(await witness.json()).toMatchObject({ limits: { subflows: 5, addAddrAccepted: 3 } });
  });

  describe('what the kernel refuses', () => {
    const address = '10.0.0.1';
    const remote = { address: '10.0.0.2', port: 80 };
    type Case = [
      string,
      (pm: PathManager) => Promise<unknown>,
      MptcpErrorCode,
      Partial<MptcpError>,
    ];
    test.each<Case>([
      [
        'an address twice',
        async (pm) => {
          await pm.endpoints.add({ address, subflow: true });
          await pm.endpoints.add({ address, subflow: true });
        },
        'ERR_MPTCP_EXISTS',
        { errno: -17, extack: 'too many addresses or duplicate one: -17' },
      ],
      [
        'an id twice',
        async (pm) => {
          await pm.endpoints.add({ address, id: 5 });
          await pm.endpoints.add({ address: '10.0.0.2', id: 5 });
        },
        'ERR_MPTCP_EXISTS',
        { errno: -16, command: 'MPTCP_PM_CMD_ADD_ADDR' },
      ],
      [
        'one endpoint too many',
        async (pm) => {
          for (let i = 1; ; i++) await pm.endpoints.add({ address: `10.0.0.${i}`, subflow: true });
        },
        'ERR_MPTCP_LIMIT',
        { errno: -34, maximum: 8 },
      ],
      [
        'limits beyond the maximum',
        (pm) => pm.limits.set({ subflows: 9 }),
        'ERR_MPTCP_LIMIT',
        { errno: -22, maximum: 8, extack: 'limit greater than maximum (8)' },
      ],
      [
        'a port that somebody listens at',
        async (pm) => {
          await pm.endpoints.add({ address: '127.0.0.1', signal: true, port: 5000 });
          await pm.endpoints.add({ address: '127.0.0.1', signal: true, port: 5000 });
        },
        'ERR_MPTCP_EXISTS',
        { errno: -98 },
      ],
      [
        'a port at an address that is not here',
        (pm) => pm.endpoints.add({ address, signal: true, port: 5000 }),
        'ERR_MPTCP_NOT_FOUND',
        { errno: -99 },
      ],
      [
        'a port of a subflow endpoint',
        (pm) => pm.endpoints.add({ address, subflow: true, port: 5000 }),
        'ERR_MPTCP_SYSTEM',
        { extack: 'flags must have signal and not subflow when using port' },
      ],
      [
        'signal with fullmesh',
        (pm) => pm.endpoints.add({ address, signal: true, fullmesh: true }),
        'ERR_MPTCP_SYSTEM',
        { extack: "flags mustn't have both signal and fullmesh" },
      ],
      [
        'fullmesh of a signal endpoint',
        async (pm) => {
          await pm.endpoints.add({ address, signal: true });
          await pm.endpoints.update(address, { fullmesh: true });
        },
        'ERR_MPTCP_SYSTEM',
        { extack: 'invalid addr flags', command: 'MPTCP_PM_CMD_SET_FLAGS' },
      ],
      [
        'to get what is not there',
        (pm) => pm.endpoints.get(9),
        'ERR_MPTCP_NOT_FOUND',
        { extack: 'address not found', command: 'MPTCP_PM_CMD_GET_ADDR' },
      ],
      [
        'to get an address that is not there',
        (pm) => pm.endpoints.get(address),
        'ERR_MPTCP_NOT_FOUND',
        {},
      ],
      [
        'to delete what is not there',
        (pm) => pm.endpoints.delete(9),
        'ERR_MPTCP_NOT_FOUND',
        { extack: 'address not found', command: 'MPTCP_PM_CMD_DEL_ADDR' },
      ],
      [
        'an interface that is not there',
        (pm) => pm.endpoints.add({ address, interface: 'eth9' }),
        'ERR_MPTCP_NOT_FOUND',
        {},
      ],
      ...(
        [
          ['announce', (pm) => pm.announce(5, { id: 1, address, port: 1 }), 'bind'],
          ['withdraw', (pm) => pm.withdraw(5, 1), 'REMOVE'],
          ['addresses', (pm) => pm.addresses.list(5), 'GET_ADDR'],
          [
            'createSubflow',
            (pm) => pm.createSubflow(5, { local: { address, id: 1 }, remote }),
            'SUBFLOW_CREATE',
          ],
          [
            'destroySubflow',
            (pm) => pm.destroySubflow(5, { local: remote, remote }),
            'SUBFLOW_DESTROY',
          ],
          ['setBackup', (pm) => pm.setBackup(5, { local: remote, remote }, true), 'SET_FLAGS'],
        ] as [string, (pm: PathManager) => Promise<unknown>, string][]
      ).map(([name, call, command]): Case => [
        `${name} of a token that is not there`,
        call,
        'ERR_MPTCP_NOT_FOUND',
        command === 'bind'
          ? { syscall: 'bind' }
          : { command: `MPTCP_PM_CMD_${command}`, extack: 'invalid token' },
      ]),
      [
        'an unknown scheduler',
        (pm) => pm.sysctls.set('scheduler', 'nonesuch'),
        'ERR_MPTCP_UNSUPPORTED',
        { errno: -2 },
      ],
    ])('%s', async (_what, call, code, properties) => {
      const error = await refusal(call(pm));
      // Older kernels have one errno and one text, or none, for several reasons.
      const hasReasons = missing('reasons of refusals') === undefined;
      expect(error).toMatchObject({ code, ...(hasReasons && properties) });
      if (code !== 'ERR_MPTCP_SYSTEM') expect(error.message).toMatch(/\. \w|: pm\./); // advice
    });

    test('leaves no endpoint where a flag was dropped', async () => {
      // A kernel that does not know laminar; this one does.
      class Dropping extends Commands {
        override addEndpoint(endpoint: NativeEndpoint, options?: Abortable) {
          return super.addEndpoint({ ...endpoint, flags: endpoint.flags & ~32 }, options);
        }
      }
      const commands = new Dropping(host.name);
      try {
        const endpoints = new Endpoints(commands, jest.fn(), jest.fn());
        const error = await refusal(endpoints.add({ address, subflow: true, laminar: true }));
        expect(error).toMatchObject({ code: 'ERR_MPTCP_UNSUPPORTED' });
        expect(error.message).toContain('laminar');
        expect(byIp()).toEqual([]);
      } finally {
        await commands.close();
      }
    });
  });

  describe('abort', () => {
    test('before: nothing is sent', async () => {
      const signal = AbortSignal.abort(new Error('no more'));
      const error: unknown = await pm.endpoints
        .add({ address: '10.0.0.1' }, { signal })
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(AbortError);
      expect(error).toMatchObject({
        code: 'ABORT_ERR',
        applied: false,
        cause: { message: 'no more' },
      });
      expect(byIp()).toEqual([]);
    });

    test('behind a slow command: withdrawn, not applied', async () => {
      for (let i = 1; i <= 8; i++) await pm.endpoints.add({ address: `10.0.0.${i}` });
      const slow = Array.from({ length: 8 }, (_, i) => pm.endpoints.delete(i + 1));
      const controller = new AbortController();
      const adding = pm.endpoints.add({ address: '10.0.1.1' }, { signal: controller.signal });
      controller.abort();
      await expect(adding).rejects.toMatchObject({ name: 'AbortError', applied: false });
      await Promise.all(slow);
      expect(byIp()).toEqual([]);
    });

    test('too late: the result stands, and is told', async () => {
      await pm.endpoints.add({ address: '10.0.0.1' });
      const controller = new AbortController();
      const deleting = pm.endpoints.delete(1, { signal: controller.signal });
      const settled = deleting.catch((error: unknown) => error);
      // It takes the kernel milliseconds; it was taken from the queue at once.
      while (byIp().length > 0) await new Promise(setImmediate);
      controller.abort();
      const error = await settled;
      if (error !== undefined) expect(error).toMatchObject({ code: 'ABORT_ERR', applied: true });
    });
  });

  test('close fails what is pending, and everything after', async () => {
    for (let i = 1; i <= 8; i++) await pm.endpoints.add({ address: `10.0.0.${i}` });
    const pending = Array.from({ length: 8 }, (_, i) => pm.endpoints.delete(i + 1));
    const settled = Promise.allSettled(pending);
    await pm.close();
    for (const result of await settled) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'ERR_MPTCP_CLOSED' });
    }
    await expect(pm.limits.get()).rejects.toMatchObject({ code: 'ERR_MPTCP_CLOSED' });
  });

  testWith('sysctls: every one of the kernel, typed', SYSCTLS, async () => {
    const all = await pm.sysctls.get();
    const names = host.exec('ls', ['/proc/sys/net/mptcp']).trim().split('\n');
    expect(Object.keys(all).sort()).toEqual(names);
    expect(all).toMatchObject({ enabled: true, close_timeout: 60, scheduler: 'default' });
    expect(all.available_path_managers).toContain('userspace');

    await pm.sysctls.set('close_timeout', 5);
    await pm.sysctls.set('checksum_enabled', true);
    expect(host.sysctl('net.mptcp.close_timeout')).toBe('5');
    expect(host.sysctl('net.mptcp.checksum_enabled')).toBe('1');
    expect(await pm.sysctls.get('checksum_enabled')).toBe(true);
    // Only here.
    await using elsewhere = await PathManager.open();
    expect(await elsewhere.sysctls.get('close_timeout')).not.toBe(5);
  });

  test('another namespace by path, and one that is not there', async () => {
    await pm.endpoints.add({ address: '10.0.0.1' });
    await using same = await PathManager.open({ netns: `/run/netns/${host.name}` });
    expect(await same.endpoints.list()).toHaveLength(1);
    await expect(PathManager.open({ netns: 'nonesuch' })).rejects.toMatchObject({
      ...{ code: 'ERR_MPTCP_NOT_FOUND', errno: -2 },
    });
    await expect(PathManager.open({ netns: '/etc/hostname' })).rejects.toMatchObject({
      code: 'ERR_MPTCP_NOT_FOUND',
    });
  });

  test('commands run on a thread of their own', () => {
    expect(pm.threadId).not.toBe(process.pid);
    expect(run('ls', [`/proc/${process.pid}/task`])).toContain(String(pm.threadId));
  });
});
