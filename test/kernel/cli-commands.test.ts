/**
 * Tests the commands for people: endpoints and limits, single connections of the userspace mode from a
 * process that does not own it, and what `monitor` prints beside `ip mptcp monitor`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Endpoint, PathManager, type PathManagerEvent } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import type { Process } from '../lab/process';
import { twoPaths } from '../lab/topologies';
import { ForeignClient, foreignServer } from './peers/foreign-processes';

const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

function mptcp(host: Namespace, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, '-n', host.name, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, COLUMNS: '120' },
    timeout: 60_000,
  });
  return { exitCode: status, stdout, stderr };
}

/** Runs a command that must succeed, and returns its output. */
function ok(host: Namespace, ...args: string[]): string {
  const { exitCode, stdout, stderr } = mptcp(host, ...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

describeKernel('mptcp endpoint and mptcp limits', {}, () => {
  let host: Namespace;
  beforeEach(() => {
    host = new Namespace('cli');
    host.ip('link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1');
    host.ip('address', 'add', '10.9.0.1/24', 'dev', 'veth0');
    host.ip('link', 'set', 'veth0', 'up');
  });
  afterEach(() => host.dispose());

  test('endpoints: add, show, change, delete, flush', () => {
    expect(ok(host, 'endpoint', 'add', '10.9.0.1', 'dev', 'veth0', 'subflow', 'backup')).toMatch(
      /^1 +10\.9\.0\.1 +subflow, backup +veth0 +veth0, without carrier +0$/m,
    );
    ok(host, 'e', 'c', 'id', '1', 'nobackup', 'fullmesh');
    const [endpoint] = JSON.parse(ok(host, '-j', 'endpoint')) as Endpoint[];
    expect(endpoint).toMatchObject({ id: 1, subflow: true, fullmesh: true, backup: false });
    ok(host, 'endpoint', 'change', '10.9.0.1', 'nofullmesh');
    expect(host.ip('mptcp', 'endpoint')).toBe('10.9.0.1 id 1 subflow dev veth0 \n');
    ok(host, 'endpoint', 'delete', '10.9.0.1');
    expect(host.ip('mptcp', 'endpoint')).toBe('');
    ok(host, 'endpoint', 'add', '10.9.0.1', 'signal', 'port', '0x50');
    expect(ok(host, 'endpoint', 'show', 'id', '1')).toMatch(/10\.9\.0\.1 +80 +signal/);
    ok(host, 'endpoint', 'flush');
    expect(host.ip('mptcp', 'endpoint')).toBe('');
  });

  test('limits', () => {
    expect(ok(host, 'limits', 'set', 'sub', '5', 'add', '6')).toMatch(/^subflows +5/m);
    expect(JSON.parse(ok(host, 'limits', '-p'))).toEqual({ subflows: 5, addAddrAccepted: 6 });
  });

  test.each([
    [['endpoint', 'add'], 'An address is missing: mptcp endpoint add ADDRESS'],
    [['endpoint', 'add', '10.9.0.1', 'subfow'], "Unknown word 'subfow': did you mean 'subflow'?"],
    [['endpoint', 'add', '10.9.0.300'], "'10.9.0.300' is no IPv4 or IPv6 address"],
    [['endpoint', 'add', '10.9.0.1', 'id', '0'], "id must be a number from 1 to 255, and not '0'"],
    [['endpoint', 'add', '10.9.0.1', 'id'], "A value is missing after 'id'"],
    [
      ['endpoint', 'change', 'id', '1'],
      'Nothing to change: give backup, nobackup, fullmesh, nofullmesh',
    ],
    [
      ['endpoint', 'change', 'id', '1', 'backup', 'nobackup'],
      'backup and nobackup exclude one another',
    ],
    [['endpoint', 'delete'], "Name the endpoint: 'id NUMBER', or its address"],
    [
      ['endpoint', 'delete', 'id', '1', '10.9.0.1'],
      'An endpoint is named by its id or by its address, not by both',
    ],
    [['endpoint', 'flush', 'all'], "Unexpected word 'all': see --help"],
    [['limits', 'set'], 'Nothing to set: give subflows NUMBER or add_addr_accepted NUMBER'],
    [['limits', 'set', 'subflow', '-1'], "Unknown option '-1': see --help"],
    [
      ['limits', 'set', 'subflows', 'many'],
      "subflows must be a number from 0 to 4294967295, and not 'many'",
    ],
    [['monitor', 'all'], "Unexpected word 'all': see --help"],
    [
      ['announce', 'deadbeef', '10.9.0.1', 'id', '1'],
      "'deadbeef' is no token: did you mean 0xdeadbeef?",
    ],
    [['announce', '1', '10.9.0.1'], "'id NUMBER' is missing"],
    [['withdraw'], 'A token is missing: `mptcp monitor` shows those of connections'],
    [['withdraw', '1', 'id', '256'], "id must be a number from 0 to 255, and not '256'"],
    [
      ['subflow', 'destroy', '1', 'local', '10.9.0.1', 'remote', '10.9.0.2:80'],
      "local must be ADDRESS:PORT, such as 192.0.2.1:80 or [2001:db8::1]:80, and not '10.9.0.1'",
    ],
    [['subflow'], "'mptcp subflow' needs one of create, destroy"],
    [
      ['priority', '1', 'local', '1.1.1.1:1', 'remote', '[::1]:2'],
      'Give either backup or nobackup',
    ],
  ])('%j fails with one line and exit code 2, and changes nothing', (args, message) => {
    host.addEndpoint('10.9.0.1', 'subflow');
    expect(mptcp(host, ...args)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `mptcp: ${message}\n`,
    });
    expect(host.ip('mptcp', 'endpoint')).toBe('10.9.0.1 id 1 subflow \n');
    expect(host.ip('mptcp', 'limits')).toBe('add_addr_accepted 0 subflows 2 \n');
  });

  test('what the kernel refuses has its text and exit code 1', () => {
    const { exitCode, stderr } = mptcp(host, 'limits', 'set', 'subflows', '9');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^mptcp: .*limit greater than maximum \(8\) \(EINVAL\).*\n$/);
  });

  test('a closed standard input or output, and a reader that ends early, are no errors', () => {
    const command = `ip netns exec ${host.name} ${process.execPath} ${MAIN} endpoint`;
    for (const script of [`${command} <&-`, `${command} >&-`, `${command} | true`]) {
      const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', script], {
        encoding: 'utf8',
      });
      expect({ script, status, stderr }).toEqual({ script, status: 0, stderr: '' });
    }
  });
});

describeKernel('mptcp by token', {}, () => {
  test('announce, withdraw, subflow and priority work beside the owner of the userspace mode', async () => {
    await using lab = await twoPaths({ join: 'none' });
    await using pm = await PathManager.open({ netns: lab.client.name });
    await using pms = await PathManager.open({ netns: lab.server.name });
    await pm.mode.set('userspace', { except: () => true });
    await pms.mode.set('userspace', { except: () => true });
    const [first, second] = lab.paths;

    const monitors = [
      lab.client.spawn('ip', ['mptcp', 'monitor']),
      lab.client.spawn(process.execPath, [MAIN, '--iproute2', 'monitor']),
      lab.client.spawn(process.execPath, [MAIN, '--iproute2=latest', 'monitor']),
      lab.client.spawn(process.execPath, [MAIN, '-j', 'monitor']),
    ] as const;
    const serverMonitors = [
      lab.server.spawn('ip', ['mptcp', 'monitor']),
      lab.server.spawn(process.execPath, [MAIN, '--iproute2', 'monitor']),
    ] as const;
    const [events, atServer] = [pm.events(), pms.events()];
    await Promise.all([events.ready, atServer.ready]);
    const next = <Type extends PathManagerEvent['type']>(type: Type, at = events) =>
      new Promise<Extract<PathManagerEvent, { type: Type }>>((resolve) => {
        at.once(type, resolve as never);
      });

    // A monitor receives events as soon as it has reported a listener.
    const reports = (each: Process): boolean =>
      /LISTENER_CREATED|listenerCreated|UNKNOWN 15/.test(each.stdout);
    while (!monitors.every(reports)) await foreignServer(lab.client, first.client.address);
    while (!serverMonitors.every(reports)) await foreignServer(lab.server, first.server.address);

    const established = Promise.all([next('established'), next('established', atServer)]);
    const { port } = await foreignServer(lab.server, first.server.address);
    await ForeignClient.connect(lab.client, first.server.address, port);
    const [{ token }, { token: serverToken }] = await established;
    const hex = `0x${token.toString(16)}`;

    const announced = next('announced');
    ok(lab.server, 'announce', String(serverToken), second.server.address, 'id', '7');
    expect(await announced).toMatchObject({ remoteId: 7, address: second.server.address });

    const joined = next('subflowEstablished');
    const remote = `${first.server.address}:${port}`;
    ok(
      lab.client,
      ...['subflow', 'create', hex, 'local', second.client.address, 'id', '3', 'remote', remote],
    );
    const { local } = await joined;

    const changed = next('subflowPriority', atServer);
    const ends = ['local', `${local.address}:${local.port}`, 'remote', remote];
    ok(lab.client, 'priority', hex, ...ends, 'backup');
    expect(await changed).toMatchObject({ backup: true });

    const closed = next('subflowClosed');
    ok(lab.client, 'subflow', 'destroy', hex, ...ends);
    await closed;

    const removed = next('removed');
    ok(lab.server, 'withdraw', `0x${serverToken.toString(16)}`, 'id', '7');
    await removed;

    await Promise.all(monitors.map((each) => each.line(/REMOVED|"removed"/)));
    const ofConnection = ({ stdout }: Process): string[] =>
      stdout.split('\n').filter((line) => line.includes('token'));
    const [ip, same, latest, json] = monitors.map(ofConnection);
    await Promise.all(serverMonitors.map((each) => each.line(/SF_CLOSED/)));
    const [ipAtServer, sameAtServer] = serverMonitors.map(ofConnection);
    expect(ipAtServer!.some((line) => line.includes('SF_PRIO'))).toBe(true);
    expect(sameAtServer).toEqual(ipAtServer);
    expect(ip!.some((line) => line.includes('SF_CLOSED'))).toBe(true);
    expect(same).toEqual(ip);
    expect(latest!.join('\n')).toContain('[  SF_ESTABLISHED] token=');
    expect(json!.map((line) => (JSON.parse(line) as PathManagerEvent).type)).toContain('removed');
  });
});
