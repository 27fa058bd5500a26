/** Tests of the addon's Commands class against the kernel. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorName, types } from 'node:util';
import type {
  NativeCommand,
  NativeCommandError,
  NativeCommands,
  NativeEndpoint,
  NativeHeldSetting,
  NativeInterfaceAddress,
  NativeLink,
  NativeRoute,
} from '../../../types/native';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';
import { until } from '../../lab/until';
import { answer, closing, type Done, failure, native } from './native';

const SIGNAL = 1;
const SUBFLOW = 2;
const BACKUP = 4;
const FULLMESH = 8;

const endpoint = (id: number, more: Partial<NativeEndpoint> = {}): NativeEndpoint => ({
  ...{ id, address: `10.0.0.${id}`, port: 0, flags: SUBFLOW, interface: 0 },
  ...more,
});

const name = ({ errno }: NativeCommandError): string => getSystemErrorName(-errno);

describeKernel('Commands', {}, () => {
  let host: Namespace;
  let commands: NativeCommands & AsyncDisposable;

  beforeEach(() => {
    host = new Namespace('commands');
    commands = closing(new native.Commands(host.name));
  });

  afterEach(async () => {
    await commands[Symbol.asyncDispose]();
    await host.dispose();
  });

  const run = (...list: NativeCommand[]) =>
    answer<(NativeCommandError | object | undefined)[]>((done) => commands.run(list, done));

  test('run on their own thread, in the given namespace', async () => {
    expect(commands.threadId).not.toBe(process.pid);
    const other = closing(new native.Commands(host.name));
    expect(other.threadId).not.toBe(commands.threadId);
    await other[Symbol.asyncDispose]();

    await run({ command: 'addEndpoint', endpoint: endpoint(5) });
    expect(host.ip('mptcp', 'endpoint')).toMatch(/^10\.0\.0\.5 id 5 subflow/);
    expect(execFileSync('ip', ['mptcp', 'endpoint'], { encoding: 'utf8' })).not.toMatch('10.0.0.5');
  });

  test('add, get, list, change, delete and flush endpoints', async () => {
    const added = [
      endpoint(5, { flags: SUBFLOW | BACKUP | FULLMESH }),
      endpoint(6, { flags: SIGNAL, address: '127.0.0.1', port: 8080 }),
      endpoint(7, { interface: 1, address: 'fd00::7' }),
    ];
    expect(
      await run(
        ...added.map((each): NativeCommand => ({ command: 'addEndpoint', endpoint: each })),
      ),
    ).toEqual([undefined, undefined, undefined]);
    const list = () => answer<NativeEndpoint[]>((done) => commands.endpoints(undefined, done));
    expect((await list()).sort((a, b) => a.id - b.id)).toEqual(added);
    expect(
      await run(
        { command: 'setEndpointFlags', id: 5, flags: BACKUP },
        { command: 'getEndpoint', id: 5 },
        { command: 'setEndpointFlags', id: 0, address: '10.0.0.5', flags: SUBFLOW },
        { command: 'getEndpoint', id: 5 },
        { command: 'deleteEndpoint', id: 6 },
      ),
    ).toEqual([
      undefined,
      endpoint(5, { flags: SUBFLOW | BACKUP }),
      undefined,
      endpoint(5),
      undefined,
    ]);
    expect((await list()).map(({ id }) => id).sort()).toEqual([5, 7]);
    await run({ command: 'flushEndpoints' });
    expect(await list()).toEqual([]);
  });

  test('set each limit alone and both together', async () => {
    expect(
      await run(
        { command: 'setLimits', subflows: 5 },
        { command: 'getLimits' },
        { command: 'setLimits', subflows: 4, addAddrAccepted: 3 },
        { command: 'getLimits' },
      ),
    ).toEqual([
      undefined,
      { subflows: 5, addAddrAccepted: 0 },
      undefined,
      { subflows: 4, addAddrAccepted: 3 },
    ]);
    expect(host.ip('mptcp', 'limits')).toMatch('add_addr_accepted 3 subflows 4');
  });

  test('are answered in order, also after one that fails, with the kernel’s error text', async () => {
    const many = Array.from({ length: 100 }, (): NativeCommand => ({
      command: 'getEndpoint',
      id: 5,
    }));
    const replies = await run(
      { command: 'addEndpoint', endpoint: endpoint(5) },
      { command: 'getEndpoint', id: 99 },
      ...many,
    );
    expect(replies).toHaveLength(102);
    const [, missing, ...found] = replies;
    expect(types.isNativeError(missing)).toBe(true);
    expect(missing).toMatchObject({
      message: 'MPTCP_PM_CMD_GET_ADDR: Invalid argument',
      errno: 22,
      call: 'MPTCP_PM_CMD_GET_ADDR',
      extack: 'address not found',
    });
    expect((missing as NativeCommandError).offendingAttribute).toBeGreaterThan(0);
    for (const each of found) expect(each).toEqual(endpoint(5));

    const order: string[] = [];
    const note = (what: string) => () => order.push(what);
    commands.run(many, note('many'));
    commands.endpoints(undefined, note('endpoints'));
    commands.readFile('/proc/net/no-such-file', note('fails'));
    await answer((done) => commands.links(done));
    expect(order).toEqual(['many', 'endpoints', 'fails']);
  });

  test('a queued job can be canceled, one that runs or has run cannot', async () => {
    const calls: string[] = [];
    await run({ command: 'addEndpoint', endpoint: endpoint(5) });
    // The kernel takes milliseconds for each deletion, during which the next jobs are queued.
    const add: NativeCommand = { command: 'addEndpoint', endpoint: endpoint(5) };
    const remove: NativeCommand = { command: 'deleteEndpoint', id: 5 };
    const long = [remove, ...Array.from({ length: 25 }, () => [add, remove]).flat()];
    const first = commands.run(long, () => calls.push('first'));
    const second = commands.run([{ command: 'addEndpoint', endpoint: endpoint(6) }], () =>
      calls.push('second'),
    );
    const third = commands.endpoints(undefined, () => calls.push('third'));
    expect(commands.cancel(second)).toBe(true);
    expect(commands.cancel(second)).toBe(false);
    expect(await answer((done) => commands.endpoints(undefined, done))).toEqual([]);
    expect(calls).toEqual(['first', 'third']);
    for (const job of [first, third, 12345]) expect(commands.cancel(job)).toBe(false);
  });

  test('close() completes the running command, fails the rest with ECANCELED, and calls back at the end', async () => {
    await using observer = closing(new native.Commands(host.name));
    const { threadId } = commands;
    const calls: unknown[] = [];
    let replies: (NativeCommandError | object | undefined)[] | undefined;
    const add = (id: number): NativeCommand => ({ command: 'addEndpoint', endpoint: endpoint(id) });
    const pair: NativeCommand[] = [add(5), { command: 'deleteEndpoint', id: 5 }];
    // The kernel takes milliseconds for each deletion, so this job outlasts the test.
    commands.run([add(6), ...Array.from({ length: 1000 }, () => pair).flat()], (error, result) => {
      calls.push(error);
      replies = result;
    });
    commands.endpoints(undefined, (error) => calls.push(error && name(error)));
    await until('the first job to begin', async () => {
      const list = await answer<unknown[]>((done) => observer.endpoints(undefined, done));
      return list.length > 0;
    });
    await new Promise<void>((resolve) =>
      commands.close(() => {
        calls.push('closed');
        resolve();
      }),
    );
    expect(calls).toHaveLength(3);
    expect(calls).toEqual(expect.arrayContaining([null, 'ECANCELED']));
    expect(calls.at(-1)).toBe('closed');
    expect(replies).toHaveLength(2001);
    expect(replies![0]).toBeUndefined();
    expect(name(replies!.at(-1) as NativeCommandError)).toBe('ECANCELED');

    expect(name(await failure((done) => commands.family(done)))).toBe('ECANCELED');
    expect(commands.threadId).toBe(threadId);
  });

  test('links, addresses and routes equal the output of ip(8)', async () => {
    host.ip('link', 'add', 'bridge0', 'type', 'bridge');
    host.ip('link', 'add', 'v0', 'mtu', '1400', 'type', 'veth', 'peer', 'v1');
    host.ip('link', 'set', 'v0', 'master', 'bridge0', 'up');
    host.ip('address', 'add', '10.1.0.1/24', 'dev', 'bridge0');
    host.ip('address', 'add', 'fe80::5/64', 'dev', 'bridge0', 'nodad');
    host.ip('link', 'set', 'bridge0', 'up');
    host.ip('route', 'add', 'default', 'via', '10.1.0.254', 'metric', '77', 'src', '10.1.0.1');
    const shown = <T>(...args: string[]) => JSON.parse(host.ip('-j', '-d', ...args)) as T[];

    const links = await answer<NativeLink[]>((done) => commands.links(done));
    const expected = shown<{ ifindex: number; ifname: string; mtu: number }>('link');
    expect(links.map(({ index, name, mtu }) => ({ index, name, mtu }))).toEqual(
      expected.map((link) => ({ index: link.ifindex, name: link.ifname, mtu: link.mtu })),
    );
    const link = Object.fromEntries(links.map((each) => [each.name, each]));
    expect(link.v0).toMatchObject({ kind: 'veth', mtu: 1400, master: link.bridge0!.index });
    expect(link.lo!.kind).toBeUndefined();

    const addresses = await answer<NativeInterfaceAddress[]>((done) => commands.addresses(done));
    expect(addresses).toContainEqual({
      ...{ interface: link.bridge0!.index, address: '10.1.0.1', prefixLength: 24, scope: 0 },
      flags: 0x80,
    });
    // The scope is the interface's name in that namespace, not in that of this process.
    expect(addresses.map(({ address }) => address)).toContain('fe80::5%bridge0');

    const routes = await answer<NativeRoute[]>((done) => commands.routes(done));
    expect(routes).toHaveLength(
      [4, 6].flatMap((family) => shown(`-${family}`, 'route', 'show', 'table', 'all')).length,
    );
    expect(routes.find(({ destination }) => destination === '')).toMatchObject({
      ...{ family: 4, prefixLength: 0, metric: 77, source: '10.1.0.1', table: 254, type: 1 },
      nextHops: [{ gateway: '10.1.0.254', interface: link.bridge0!.index, weight: 1 }],
    });
  });

  test('a route is found by rules, source and interface', async () => {
    host.ip('link', 'set', 'lo', 'up');
    for (const [name, address] of [
      ['d0', '10.1.0.1/24'],
      ['d1', '10.2.0.1/24'],
    ]) {
      host.ip('link', 'add', name!, 'type', 'bridge');
      host.ip('address', 'add', address!, 'dev', name!);
      host.ip('address', 'add', `fd00:${name!.slice(1)}::1/64`, 'dev', name!, 'nodad');
      host.ip('link', 'set', name!, 'up');
    }
    const links = await answer<NativeLink[]>((done) => commands.links(done));
    const index = (name: string) => links.find((link) => link.name === name)!.index;
    const find = (destination: string, source: string | undefined, device = 0) =>
      answer<NativeRoute>((done) => commands.findRoute(destination, source, device, done));
    const refused = async (destination: string, source: string) =>
      name(await failure((done) => commands.findRoute(destination, source, 0, done)));

    expect(await find('10.1.0.9', '10.2.0.1')).toMatchObject({
      ...{ destination: '10.1.0.9', type: 1, nextHops: [{ interface: index('d0'), weight: 1 }] },
    });
    expect(await refused('192.0.2.1', '10.2.0.1')).toBe('ENETUNREACH');
    expect(await find('10.2.0.9', undefined)).toMatchObject({ source: '10.2.0.1' });
    expect(await refused('2001:db8::1', 'fd00:1::1')).toBe('ENETUNREACH');

    host.ip('route', 'add', 'default', 'via', '10.1.0.254');
    host.ip('route', 'add', 'default', 'via', '10.2.0.254', 'table', '7');
    host.ip('rule', 'add', 'from', '10.2.0.1', 'table', '7');
    const first = { gateway: '10.1.0.254', interface: index('d0') };
    const second = { gateway: '10.2.0.254', interface: index('d1') };
    expect(await find('192.0.2.1', '10.1.0.1')).toMatchObject({ nextHops: [first] });
    expect(await find('192.0.2.1', '10.2.0.1')).toMatchObject({ nextHops: [second] });
    expect(await find('192.0.2.1', '10.2.0.1', index('d1'))).toMatchObject({ nextHops: [second] });
  });

  test('files of the network stack are read and written in the namespace', async () => {
    const read = (path: string) => answer<string>((done) => commands.readFile(path, done));
    const write = (path: string, value: string) =>
      answer((done) => commands.writeFile(path, value, done));
    const path = '/proc/sys/net/mptcp/add_addr_timeout';
    const outside = execFileSync('cat', [path], { encoding: 'utf8' });
    await write(path, '33');
    expect(await read(path)).toBe('33\n');
    expect(host.sysctl('net.mptcp.add_addr_timeout')).toBe('33');
    expect(execFileSync('cat', [path], { encoding: 'utf8' })).toBe(outside);
    host.ip('link', 'add', 'only-here', 'type', 'bridge');
    expect(await read('/proc/net/dev')).toMatch('only-here');

    const errors = [
      (done: Done<unknown>) => commands.readFile('/proc/sys/net/mptcp/none', done),
      (done: Done<unknown>) => commands.readFile('/etc/passwd', done),
      (done: Done<unknown>) => commands.readFile('/proc/net/../version', done),
      (done: Done<unknown>) => commands.writeFile('/proc/sys/net/mptcp/enabled', 'x', done),
    ];
    expect(await Promise.all(errors.map(async (call) => name(await failure(call))))).toEqual([
      ...['ENOENT', 'EINVAL', 'EINVAL', 'EINVAL'],
    ]);
  });

  test('a held setting can be changed, restored and released', async () => {
    const path = '/proc/sys/net/mptcp/add_addr_timeout';
    const hold = (former: string, record?: string) =>
      answer<NativeHeldSetting>((done) => commands.holdSetting(path, former, record, done));
    const value = () => host.sysctl('net.mptcp.add_addr_timeout');
    const unchanged = await hold('11');
    unchanged.restore();
    expect(value()).toBe('120');
    const held = await hold('12');
    held.change('34');
    held.change('35');
    expect(value()).toBe('35');
    held.restore();
    expect(value()).toBe('12');
    held.restore();
    expect(() => held.change('36')).toThrow('Bad file descriptor');
    const released = await hold('13');
    released.change('37');
    released.release();
    released.restore();
    expect(value()).toBe('37');
    expect(() => unchanged.change(undefined as never)).toThrow('value must be a string');
    const none = await failure((done) =>
      commands.holdSetting('/etc/hostname', '', undefined, done),
    );
    expect(name(none)).toBe('EINVAL');
  });

  test('a restored setting removes its record, and a released or unchanged one keeps it', async () => {
    const path = '/proc/sys/net/mptcp/add_addr_timeout';
    const folder = mkdtempSync(join(tmpdir(), 'mptcp-record-'));
    const record = join(folder, 'record');
    const hold = () =>
      answer<NativeHeldSetting>((done) => commands.holdSetting(path, '12', record, done));
    try {
      writeFileSync(record, '12\n');
      (await hold()).restore();
      const released = await hold();
      released.change('34');
      released.release();
      released.restore();
      expect(existsSync(record)).toBe(true);
      const restored = await hold();
      restored.change('35');
      restored.restore();
      expect(existsSync(record)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('listening sockets and abstract names are held until they are closed', async () => {
    const listen = (address = '127.0.0.1') =>
      answer<{ close: () => void }>((done) => commands.listen(address, 4000, done));
    const socket = await listen();
    expect(host.exec('ss', ['-MHln'])).toMatch('127.0.0.1:4000');
    expect(name(await failure((done) => commands.listen('127.0.0.1', 4000, done)))).toBe(
      'EADDRINUSE',
    );
    const other = await listen('::1');
    socket.close();
    socket.close();
    (await listen()).close();
    other.close();
    expect(host.exec('ss', ['-MHln'])).toBe('');
    expect(name(await failure((done) => commands.listen('fe80::1%nosuch', 1, done)))).toBe(
      'ENODEV',
    );
    expect(name(await failure((done) => commands.listen('10.9.9.9', 1, done)))).toBe(
      'EADDRNOTAVAIL',
    );

    const owner = () => answer((done) => commands.nameOwner('mptcp-test', done));
    expect(await owner()).toBeUndefined();
    const hold = (done: Done<unknown>) => commands.holdName('mptcp-test', done);
    const held = (await answer(hold)) as { close: () => void };
    expect(await owner()).toEqual({ pid: process.pid, uid: process.getuid?.() });
    expect(name(await failure(hold))).toBe('EADDRINUSE');
    await using outside = closing(new native.Commands(undefined));
    expect(await answer((done) => outside.nameOwner('mptcp-test', done))).toBeUndefined();
    held.close();
    expect(await owner()).toBeUndefined();
  });

  test('report the commands that the family has', async () => {
    const family = await answer<{ version: number; commands: number[] }>((done) =>
      commands.family(done),
    );
    expect(family).toEqual({ version: 1, commands: expect.arrayContaining([1, 2, 3]) as number[] });
  });

  test('fail where the namespace cannot be entered', async () => {
    await using none = closing(new native.Commands('no such namespace'));
    const errors = await Promise.all([
      failure((done) => none.family(done)),
      failure((done) => none.run([{ command: 'getLimits' }], done)),
    ]);
    for (const error of errors) {
      expect(error).toMatchObject({ errno: 2, call: 'open /run/netns/no such namespace' });
    }
  });

  test('an interface name is resolved in the namespace', async () => {
    host.ip('link', 'add', 'd0', 'type', 'bridge');
    const create = (scope: string): NativeCommand => ({
      command: 'createSubflow',
      token: 1,
      local: endpoint(1, { address: `fe80::1%${scope}` }),
      remote: { address: 'fe80::2', port: 1 },
    });
    expect(await run(create('d0'), create('lo'))).toEqual([
      expect.objectContaining({ extack: 'invalid token' }),
      expect.objectContaining({ extack: 'invalid token' }),
    ]);
    expect(await failure((done) => commands.run([create('d1')], done))).toMatchObject({
      ...{ errno: 19, call: 'if_nametoindex d1' },
    });
  });

  describeKernel('handles of namespaces', { needs: ['namespace handles'] }, () => {
    test('a namespace is found by its handle until it is gone', async () => {
      const exists = (handle: string) =>
        answer<boolean>((done) => commands.namespaceExists(handle, done));
      const handle = await answer<string>((done) => commands.namespaceHandle(done));
      expect(await exists(handle)).toBe(true);
      const gone = handle.replace(/^(\d+:)[0-9a-f]{16}/, '$1ffffffffffffff7f');
      expect(await exists(gone)).toBe(false);
      // A text that is no handle proves nothing.
      const others = [
        handle.slice(0, -2),
        `1${handle}`,
        `${handle}00`,
        `${handle}${'0'.repeat(1000)}`,
      ];
      for (const wrong of ['', 'x', '241', '241:', '241:0', '241:zz', ...others]) {
        expect(await exists(wrong)).toBe(true);
      }
    });
  });
});
