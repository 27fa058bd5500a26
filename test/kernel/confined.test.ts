/**
 * Tests the package where a container or a service forbids something: TCP goes on, and what cannot work
 * says why and what to do about it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { missing } from '../lab/requirements';

const PROGRAM = join(__dirname, 'peers', 'confined.js');
const REGISTER = join(__dirname, '..', '..', 'dist', 'register.js');

/** An error as the program prints it. */
interface Failure {
  mptcp: boolean;
  code: string;
  message: string;
}

interface Results {
  sockets: unknown;
  required: Failure;
  capabilities: { mptcp: boolean; ipv4: boolean; ipv6: boolean; reason?: string };
  open: unknown;
  calls?: Record<string, unknown>;
  close?: unknown;
  again: unknown;
  warnings: { code: string; message: string }[];
}

/** What a call gives: its value, or the code and text of its error. */
type Expected = string | [code: string, text: RegExp];

interface Confinement {
  /** The command that confines the command which follows it. */
  by: string[];
  /** The host of the connection (127.0.0.1). */
  host?: string;
  /** Why there is no MPTCP; absent: there is. */
  reason?: RegExp;
  /** The families whose sockets can be opened, where there is MPTCP (both). */
  families?: { ipv4: boolean; ipv6: boolean };
  /** Why PathManager.open() fails (it succeeds). */
  open?: Expected;
  /** The calls that do not succeed. */
  calls?: Record<string, Expected>;
  /** The codes of the warnings, on a kernel whose events report denied joins. */
  warnings?: string[];
}

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const IPPROTO_MPTCP = 262;
const ANY = -1;

let folder: string;
const refuse = (domain: number, protocol: number, errno: keyof typeof constants.errno) => [
  join(folder, 'refuse-sockets'),
  ...[domain, protocol, constants.errno[errno]].map(String),
];
const asNobody = (capabilities: string, ...more: string[]) => [
  'setpriv',
  ...['--reuid=65534', '--regid=65534', '--clear-groups', `--inh-caps=${capabilities}`, ...more],
];
const withMounts = (script: string) => ['unshare', '-m', 'sh', '-c', `${script}; exec "$@"`, '-'];

const READ_ONLY = 'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys';
const USERSPACE = 'echo 1 > /proc/sys/net/mptcp/pm_type';
const SYSTEM_POLICY = /forbids MPTCP sockets/;
const DENIED_JOINS = 'MPTCP_DENIED_JOINS';
const MODE = 'ERR_MPTCP_PATH_MANAGER';
const PERMISSION = 'ERR_MPTCP_PERMISSION';
const readOnly: Expected = [PERMISSION, /EROFS.*read-only \/proc\/sys.*docker run --sysctl/];
const hidden: Expected = [PERMISSION, /ENOENT.*hides \/proc/];
const notPrivileged: Expected = [PERMISSION, /CAP_NET_ADMIN/];
const noUserspace: Expected = [MODE, /by: 'endpoints'/];
const noNetlink: Expected = [PERMISSION, /allow AF_NETLINK.*RestrictAddressFamilies=/];

const DEFAULTS = {
  ...{ events: 'kernel', connections: 'ok', list: 'ok', limits: 'ok', sysctl: 'ok' },
  ...{ interfaces: 'ok', watch: 'ok', counters: 'ok', getMode: 'kernel', userspace: 'ok' },
  ...{ manage: 'ok', kernel: 'ok', endpoints: 'ok' },
};

/** The errnos by which filters refuse what the kernel itself refuses otherwise, or with others. */
const ERRNOS = [
  ...['EPERM', 'EACCES', 'ENOSYS', 'EINVAL', 'EPROTONOSUPPORT', 'EAFNOSUPPORT', 'ENOPROTOOPT'],
  ...['ENOENT'],
] as (keyof typeof constants.errno)[];

const CONFINEMENTS: Record<string, () => Confinement> = {
  ...Object.fromEntries(
    ERRNOS.map((errno) => [
      `a filter that refuses MPTCP sockets with ${errno}`,
      (): Confinement => ({
        by: refuse(ANY, IPPROTO_MPTCP, errno),
        reason: new RegExp(`${errno}.*${SYSTEM_POLICY.source}`),
        warnings: ['MPTCP_UNAVAILABLE', DENIED_JOINS],
      }),
    ]),
  ),
  'no capability': () => ({
    by: asNobody('-all'),
    calls: {
      ...{ events: 'dump', limits: notPrivileged, sysctl: notPrivileged },
      ...{ userspace: notPrivileged, kernel: notPrivileged, manage: noUserspace },
    },
    warnings: [DENIED_JOINS],
  }),
  'CAP_NET_ADMIN alone': () => ({
    by: asNobody('-all,+net_admin', '--ambient-caps=+net_admin'),
  }),
  'a read-only /proc/sys': () => ({
    by: withMounts(READ_ONLY),
    calls: { sysctl: readOnly, userspace: readOnly, manage: noUserspace },
  }),
  'a read-only /proc/sys whose mode is userspace': () => ({
    by: withMounts(`${USERSPACE}; ${READ_ONLY}`),
    calls: { sysctl: readOnly, getMode: 'userspace', kernel: readOnly },
  }),
  'a hidden /proc/sys': () => ({
    by: withMounts('mount -t tmpfs none /proc/sys'),
    calls: {
      ...{ sysctl: hidden, getMode: hidden, userspace: hidden, kernel: hidden },
      manage: noUserspace,
    },
  }),
  'a hidden /proc': () => ({
    by: withMounts('mount -t tmpfs none /proc'),
    calls: {
      ...{ sysctl: hidden, getMode: hidden, userspace: hidden, kernel: hidden },
      ...{ manage: noUserspace, counters: hidden },
    },
  }),
  'no netlink (EAFNOSUPPORT)': () => ({
    by: refuse(AF_NETLINK, ANY, 'EAFNOSUPPORT'),
    open: noNetlink,
  }),
  'no netlink (EPERM)': () => ({ by: refuse(AF_NETLINK, ANY, 'EPERM'), open: noNetlink }),
  'no IPv6': () => ({
    by: refuse(AF_INET6, ANY, 'EAFNOSUPPORT'),
    host: 'localhost',
    families: { ipv4: true, ipv6: false },
  }),
  'no IPv4': () => ({
    by: refuse(AF_INET, ANY, 'EAFNOSUPPORT'),
    host: '::1',
    families: { ipv4: false, ipv6: true },
    warnings: [DENIED_JOINS],
  }),
};

function expectOutcome(name: string, found: unknown, expected: Expected): void {
  if (typeof expected === 'string') {
    expect([name, found]).toEqual([name, expected]);
    return;
  }
  const [code, message] = expected;
  expect([name, found]).toEqual([
    name,
    expect.objectContaining({
      mptcp: true,
      code,
      message: expect.stringMatching(message) as string,
    }),
  ]);
}

/** Linux 6.17 reports them; `laminar` is newer. */
const reportsDeniedJoins = (): boolean => missing('laminar') === undefined;

describeKernel('confined', { needs: ['g++'] }, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mptcp-confined-'));
    const source = join(__dirname, 'peers', 'refuse-sockets.cc');
    execFileSync('g++', ['-std=c++17', '-o', join(folder, 'refuse-sockets'), source]);
    execFileSync('chmod', ['755', folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  describe.each(Object.entries(CONFINEMENTS))('by %s', (_name, confinement) => {
    test.each(['net', 'preload'])('%s', async (how) => {
      const { by, host, reason, families, open, calls, warnings = [] } = confinement();
      await using machine = new Namespace('confined');
      const preload = how === 'preload' ? ['--require', REGISTER] : [];
      const [command = '', ...rest] = by;
      const args = [...rest, process.execPath, ...preload, PROGRAM, how, ...(host ? [host] : [])];
      const found = await machine.spawn(command, args).json<Results>();

      const spoken = reason ? 'fallback' : 'mptcp';
      expect(found.sockets).toEqual({ client: spoken, server: spoken });
      expect(found.again).toEqual(found.sockets);
      if (reason) {
        expectOutcome('required', found.required, ['ERR_MPTCP_UNAVAILABLE', reason]);
        expect(found.capabilities).toMatchObject({ mptcp: false, ipv4: false, ipv6: false });
        expect(found.capabilities.reason).toMatch(reason);
      } else {
        expect(found.required).toMatchObject({ mptcp: false, code: 'ECONNREFUSED' });
        const can = { mptcp: true, ...(families ?? { ipv4: true, ipv6: true }) };
        expect(found.capabilities).toMatchObject(can);
        expect(found.capabilities).not.toHaveProperty('reason');
      }

      expectOutcome('open', found.open, open ?? 'ok');
      if (!open) {
        const expected: Record<string, Expected> = { ...DEFAULTS, ...calls };
        for (const [name, outcome] of Object.entries(expected))
          expectOutcome(name, found.calls?.[name], outcome);
        expect(found.close).toBe('ok');
      }
      const codes = found.warnings.map(({ code }) => code);
      const about = reportsDeniedJoins() ? codes : codes.filter((code) => code !== DENIED_JOINS);
      expect(about).toEqual(warnings.filter((code) => about === codes || code !== DENIED_JOINS));
    });
  });
});
