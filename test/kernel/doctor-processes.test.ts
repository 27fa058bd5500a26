/**
 * Tests of what doctor() finds about a process: about another one by its pid, and about the one that
 * calls it, which lacks a capability, may not open MPTCP sockets, or cannot write settings.
 */
import { join } from 'node:path';
import { doctor, type DoctorReport } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import type { Process } from '../lab/process';
import { until } from '../lab/until';

const ROOT = join(__dirname, '..', '..');
const REGISTER = join(ROOT, 'dist', 'register.js');
const found = ({ findings }: DoctorReport): string[] => findings.map(({ id }) => id);

/** Listens with Node's own net, prints the port, and accepts. */
const SERVER = `
  const server = require('net').createServer((socket) => socket.on('error', () => 0).resume());
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify([server.address().port])));`;

/** Connects to a port and stays connected. */
const CLIENT = `
  const socket = require('net').connect(Number(process.argv[1]), '127.0.0.1');
  socket.on('error', () => 0).on('connect', () => console.log('[]')).resume();`;

/** Prints the report of doctor() about the process that calls it. */
const DOCTOR = `
  require(${JSON.stringify(ROOT)}).doctor().then((report) => console.log(JSON.stringify(report)));`;

/** Forbids sockets of protocol 262 by EPERM, as a profile of seccomp does, and runs a command. */
const SECCOMP = `
import ctypes, os, struct, sys
def op(code, jt, jf, k): return struct.pack('HBBI', code, jt, jf, k)
socket, protocol = {'x86_64': 41}.get(os.uname().machine, 198), 262
program = b''.join([
  op(0x20, 0, 0, 0), op(0x15, 0, 3, socket),
  op(0x20, 0, 0, 16 + 2 * 8), op(0x15, 0, 1, protocol),
  op(0x06, 0, 0, 0x00050000 | 1), op(0x06, 0, 0, 0x7fff0000),
])
buffer = ctypes.create_string_buffer(program)
filter = struct.pack('HP', len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.create_string_buffer(filter), 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])`;

describeKernel('doctor() about a process', {}, () => {
  let host: Namespace;
  beforeEach(() => {
    host = new Namespace('process');
  });
  afterEach(() => host.dispose());

  const node = (...args: string[]): Process =>
    host.spawn(process.execPath, args, { env: { PATH: process.env.PATH }, cwd: ROOT });
  const serve = async (...options: string[]): Promise<[program: Process, port: number]> => {
    const program = node(...options, '-e', SERVER);
    const [port] = await program.json<[number]>();
    return [program, port];
  };

  test('finds nothing where the preload is active', async () => {
    const [server, port] = await serve('--require', REGISTER);
    const client = node('--require', REGISTER, '-e', CLIENT, String(port));
    await client.json();
    for (const { pid } of [server, client]) {
      const report = await doctor({ pid });
      expect(report.checks.filter(({ id }) => id.startsWith('MPD7'))).toMatchObject([
        { result: 'ok' },
        { result: 'ok' },
        { result: 'ok' },
      ]);
    }
  });

  test('MPD702: mptcp/register is not active, and the command line that has it', async () => {
    const [{ pid }] = await serve();
    const finding = (await doctor({ pid })).findings.find(({ id }) => id === 'MPD702');
    expect(finding?.mend).toMatch(/node --import mptcp\/register -e '\n/);
    expect(finding?.evidence).toContainEqual({ name: 'sockets of MPTCP', value: 0 });
  });

  test('MPD701: --permission without --allow-addons', async () => {
    const options = ['--permission', '--allow-fs-read=*', '--require', REGISTER];
    const flags = process.allowedNodeEnvironmentFlags.has('--permission')
      ? options
      : ['--experimental-permission', ...options.slice(1)];
    const [{ pid }] = await serve(...flags);
    const report = await doctor({ pid });
    expect(found(report)).toContain('MPD701');
    expect(report.skipped.map(({ id, because }) => [id, because])).toContainEqual([
      ...['MPD702', 'MPD701'],
    ]);
    const [allowed] = await serve(...flags, '--allow-addons');
    expect(found(await doctor({ pid: allowed.pid }))).not.toContain('MPD701');
  });

  test('MPD703: connections that fell back, with their causes', async () => {
    const [, port] = await serve(); // over TCP
    const client = node('--require', REGISTER, '-e', CLIENT, String(port));
    await client.json();
    const { findings } = await doctor({ pid: client.pid });
    const finding = findings.find(({ id }) => id === 'MPD703');
    expect(finding?.evidence).toContainEqual({ name: 'connections that fell back', value: 1 });
    expect(finding?.evidence).toContainEqual({ name: 'MPTcpExtMPCapableFallbackSYNACK', value: 1 });
    expect(finding?.message).toMatch('the peer, or what is before it, does not speak MPTCP (1)');
  });

  test('a process that is gone is not found', async () => {
    const [program] = await serve();
    await program.kill('SIGKILL');
    await until('its number is free', async () => {
      const error: unknown = await doctor({ pid: program.pid }).catch((reason: unknown) => reason);
      return (error as { code?: string }).code === 'ERR_MPTCP_NOT_FOUND';
    });
  });

  /** Runs doctor() in a process that is confined by a command before it. */
  const confined = async (...before: string[]): Promise<DoctorReport> => {
    const command = [...before, process.execPath, '-e', DOCTOR];
    return host.spawn(command[0]!, command.slice(1), { cwd: ROOT }).json<DoctorReport>();
  };

  test('finds nothing about a process that may do everything', async () => {
    expect((await confined()).findings).toEqual([]);
  });

  test('adds no more listeners to a signal than Node.js warns about', async () => {
    const program = DOCTOR.replace('doctor()', 'doctor({ signal: new AbortController().signal })');
    const child = host.spawn(process.execPath, ['-e', program], { cwd: ROOT });
    await child.success();
    expect(child.stderr).toBe('');
  });

  test('MPD104: a filter of system calls', async () => {
    const { findings } = await confined('python3', '-c', SECCOMP);
    expect(findings.map(({ id, severity }) => [id, severity])).toEqual([['MPD104', 'error']]);
    expect(findings[0]?.message).toMatch('seccomp');
  });

  test('MPD105: no CAP_NET_ADMIN', async () => {
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
    const report = await confined('setpriv', ...nobody);
    expect(report.findings.map(({ id, severity }) => [id, severity])).toEqual([['MPD105', 'info']]);
  });

  test('MPD106: settings are read-only', async () => {
    const mounts = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys';
    const report = await confined('unshare', '-m', 'sh', '-ec', `${mounts}; exec "$@"`, 'sh');
    expect(found(report)).toEqual(['MPD106']);
  });
});
