/**
 * Runs kernel tests on Debian's kernels, each in a virtual machine, and writes one report for each
 * kernel to out/kernels/reports. 'here' is the kernel of this machine.
 *
 *   npm run test:kernels -- [6.1 6.12 newest here …] [--tests PATTERN] [--minutes 60] [--console]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../lab/namespace';
import { chooseRelease, DebianKernels, type Kernel } from './debian-kernels';
import { runInGuest, sharedFolder } from './guest';
import { quoted } from './quoted';
import { REPORTS } from './outcomes';
import { makeReport, type Report } from './report';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', default: 'test/(kernel|lab)/' },
    minutes: { type: 'string', default: '60' },
    console: { type: 'boolean', default: false },
  },
});

const ROOT = join(__dirname, '..', '..');
const FOLDER = join(ROOT, 'out', 'kernels');
const BUILD = join(ROOT, 'test', 'setup', 'build.cjs');
const JEST = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
/** No test has this name. */
const NO_TEST = '^$';
/** The options of jest that select the tests. */
const SELECTED = ['--selectProjects', 'kernel', '--testPathPatterns', options.tests];
const KERNELS = ['6.1', '6.12', 'newest'];

/** Where jest and the tests leave their results, as seen by them and as seen here. */
interface Run {
  kernel: Pick<Kernel, 'release' | 'version'>;
  /** Runs jest with these arguments and variables. */
  jest: (args: readonly string[], env: Readonly<Record<string, string>>) => unknown;
  /** The folder of the results, as jest sees it. */
  seen: string;
  folder: string;
}

async function runTests(name: string, { kernel, jest, seen, folder }: Run): Promise<Report> {
  const before = performance.now();
  const files = { results: 'results.json', rows: 'rows' };
  const args = ['--ci', ...SELECTED, '--json', `--outputFile=${join(seen, files.results)}`];
  await jest([process.execPath, JEST, ...args], {
    CI: 'true',
    NO_COLOR: '1',
    MPTCP_TEST_ROWS: join(seen, files.rows),
  });
  const report = makeReport(name, kernel, {
    results: join(folder, files.results),
    rows: join(folder, files.rows),
    root: ROOT,
  });
  writeFileSync(join(REPORTS, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(summary(report, (performance.now() - before) / 1000));
  return report;
}

/** Tests the kernel of this machine. */
function testHere(folder: string): Promise<Report> {
  const jest = ([node = '', ...args]: readonly string[], env: Readonly<Record<string, string>>) =>
    spawnSync(node, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: 'inherit' });
  const kernel = { release: /^[\d.]+/.exec(release())![0], version: '' };
  return runTests('here', { kernel, jest, seen: folder, folder });
}

async function testGuest(
  kernel: Kernel,
  name: string,
  folder: string,
  signal: AbortSignal,
): Promise<Report> {
  const lines: string[] = [];
  const jest = (args: readonly string[], env: Readonly<Record<string, string>>) =>
    runInGuest({
      kernel,
      folder,
      cwd: ROOT,
      command: `${args.map(quoted).join(' ')} 2>&1 | cat`, // no terminal, so that jest does not animate
      env: { PATH: process.env.PATH ?? '', HOME: '/root', ...env },
      onLine: (line) => {
        lines.push(line);
        if (options.console) console.log(line);
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(Number(options.minutes) * 60_000)]),
    });
  try {
    return await runTests(name, {
      kernel,
      jest,
      seen: '/mptcp-guest',
      folder: sharedFolder(folder),
    });
  } finally {
    writeFileSync(join(REPORTS, `${name}.log`), lines.join('\n'));
  }
}

async function testKernel(archive: DebianKernels, name: string, signal: AbortSignal) {
  const folder = mkdtempSync(join(tmpdir(), 'mptcp-kernel-'));
  try {
    if (name === 'here') return await testHere(folder);
    const chosen = chooseRelease(name, archive.releases());
    if (chosen === undefined) throw new Error("Debian's archive has no such kernel");
    return await testGuest(archive.fetch(chosen), name, folder, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function summary({ name, release, passed, failed, skipped }: Report, seconds: number): string {
  const failures = Object.entries(failed);
  const lacks = Object.entries(skipped).map(([need, count]) => `\n  skipped ${count}: ${need}`);
  const total = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  return (
    `${name} (${release}): ${passed} passed, ${failures.length} failed, ${total} skipped in ${Math.round(seconds)} s` +
    failures.map(([test, why]) => `\n  failed ${test}\n${why.replace(/^/gm, '    ')}`).join('') +
    lacks.join('')
  );
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('This needs root, to share files with guests');
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  run(process.execPath, ['-e', 'require(process.argv[1])()', BUILD]);
  // Here, and not in each guest, where it takes minutes: jest's cache gets what it transforms.
  run(process.execPath, [JEST, ...SELECTED, '--testNamePattern', NO_TEST], { cwd: ROOT });
  mkdirSync(REPORTS, { recursive: true });
  const names = positionals.length > 0 ? positionals : KERNELS;
  const archive = new DebianKernels(FOLDER);
  try {
    if (names.some((name) => name !== 'here')) archive.update();
  } catch (error) {
    console.error(`${(error as Error).message}\nWhat was fetched before is used.`);
  }
  for (const name of names) {
    try {
      const { failed } = await testKernel(archive, name, interrupted.signal);
      if (Object.keys(failed).length > 0) process.exitCode = 1;
    } catch (error) {
      process.exitCode = 1;
      console.error(`${name}: ${(error as Error).message}`);
      if (interrupted.signal.aborted) return;
    }
  }
}

void main();
