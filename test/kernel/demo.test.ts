/** Tests of the demo: its summary, its requirements, and that it leaves nothing behind. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Summary } from '../../examples/demo/summary';
import { describeKernel } from '../lab/jest';
import { Process } from '../lab/process';

const START = join(__dirname, '..', '..', 'examples', 'demo', 'start.cjs');
const BUILD = 60_000; // ms
/** The folder in which ip(8) names network namespaces. */
const NAMESPACES = '/run/netns';

/** Runs a command as a user without privilege. */
const UNPRIVILEGED = ['unshare', '-U', '--map-user=1000', '--map-group=1000'];
/** Runs a command as a user who may not create user namespaces either. */
const CONFINED = [
  ...['unshare', '-Ur', 'sh', '-c', 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', 'sh'],
  ...['setpriv', '--bounding-set', '-all', '--inh-caps', '-all'],
];

describeKernel('the demo', { needs: ['tc'] }, () => {
  let folder: string;
  let demo: Process;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mptcp-demo-test-'));
  });

  afterEach(async () => {
    await demo.kill();
    rmSync(folder, { recursive: true });
  });

  function start(args: string[], prefix: string[] = []): Process {
    const [command = '', ...rest] = [...prefix, process.execPath, START, '--json', ...args];
    const options = { env: { ...process.env, TMPDIR: folder }, detached: true };
    return new Process([command, ...rest].join(' '), spawn(command, rest, options));
  }

  /** The ids of the demo's processes, which are those with its folder for temporary files. */
  const programs = (): string[] => readdirSync('/proc').filter((pid) => isOfDemo(pid));

  function isOfDemo(pid: string): boolean {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`TMPDIR=${folder}`);
    } catch {
      return false; // it has ended, or belongs to another user
    }
  }

  /** The inode of a network namespace; none where it or its process has ended. */
  function inodes(path: string): number[] {
    try {
      return [statSync(path).ino];
    } catch {
      return [];
    }
  }

  async function summary(): Promise<Summary> {
    return JSON.parse(await demo.success()) as Summary;
  }

  const expectBothPaths = ({ subflows, rates, failures, ...rest }: Summary): void => {
    expect(failures).toEqual([]);
    expect(rest).toMatchObject({ network: 'namespaces', status: 'mptcp', received: rest.size });
    expect(rest.sha256Received).toBe(rest.sha256);
    expect(subflows.map(({ path }) => path)).toEqual([1, 2]);
    for (const { bytes } of subflows) expect(bytes).toBeGreaterThan(0.2 * rest.size);
    expect(rates.twoPaths).toBeGreaterThan(1.3 * rates.onePath!);
    expect(rates.firstPathCut).toBeLessThan(rates.twoPaths!);
    expect(rates.firstPathRestored).toBeGreaterThan(0);
    expect(rest.longestStall).toBeGreaterThan(0);
  };

  test(
    'downloads over two paths, one of which is cut and restored',
    async () => {
      demo = start(['--size', '24', '--network', 'namespaces']);
      expectBothPaths(await summary());
      expect(readdirSync(folder)).toEqual([]);
    },
    BUILD + 120_000,
  );

  test('needs no privilege where user namespaces are available', async () => {
    demo = start(['--size', '24', '--network', 'namespaces'], UNPRIVILEGED);
    expectBothPaths(await summary());
  });

  test('runs over loopback where namespaces are not available, and says why', async () => {
    demo = start(['--size', '8'], CONFINED);
    const { network, reason, sha256, sha256Received, subflows } = await summary();
    expect({ network, sha256Received }).toEqual({ network: 'loopback', sha256Received: sha256 });
    expect(reason).toMatch(/namespaces/);
    expect(demo.stderr).toContain(reason);
    expect(subflows.map(({ local }) => local.address)).toEqual(['127.0.0.1']);
  });

  test('runs over TCP where the addon cannot be loaded', async () => {
    demo = start(['--size', '8', '--network', 'loopback'], ['env', `MPTCP_PREBUILD=${folder}`]);
    const { status, failures } = await summary();
    expect(status).not.toBe('mptcp');
    expect(failures).toEqual([]);
  });

  test('fails where namespaces are required and not available', async () => {
    demo = start(['--network', 'namespaces'], CONFINED);
    expect(await demo.exited).toEqual({ code: 1, signal: null });
    expect(demo.stdout).toBe('');
  });

  test.each([
    ['sent to its process', (pid: number) => pid],
    ['sent to its process group, as by a terminal', (pid: number) => -pid],
  ])('SIGINT leaves nothing behind: %s', async (_, target) => {
    demo = start(['--size', '32', '--network', 'namespaces']);
    await demo.line(/Path 2 added/, { from: 'stderr', timeout: 60_000 });
    const inside = new Set(programs().flatMap((pid) => inodes(`/proc/${pid}/ns/net`)));
    const namespaces = readdirSync(NAMESPACES).filter((name) =>
      inodes(join(NAMESPACES, name)).some((inode) => inside.has(inode)),
    );
    expect(namespaces).toHaveLength(2);

    process.kill(target(demo.pid), 'SIGINT');
    expect(await demo.exited).toEqual({ code: 130, signal: null });
    expect(programs()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
    const left = new Set(readdirSync(NAMESPACES));
    expect(namespaces.filter((name) => left.has(name))).toEqual([]);
  });
});
