/**
 * Runs kernel tests on Debian's kernels, each in a virtual machine, and writes one report for each
 * kernel to out/kernels/reports.
 *
 *   npm run test:kernels -- [6.1 6.12 newest …] [--tests PATTERN] [--minutes 60] [--console]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../lab/namespace';
import { chooseRelease, DebianKernels } from './debian-kernels';
import { runInGuest, sharedFolder } from './guest';
import { quoted } from './quoted';
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
const REPORTS = join(FOLDER, 'reports');
const BUILD = join(ROOT, 'test', 'setup', 'build.cjs');
const JEST = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
const KERNELS = ['6.1', '6.12', 'newest'];

async function testKernel(
  archive: DebianKernels,
  name: string,
  signal: AbortSignal,
): Promise<Report> {
  const release = chooseRelease(name, archive.releases());
  if (release === undefined) throw new Error("Debian's archive has no such kernel");
  const kernel = archive.fetch(release);
  const folder = mkdtempSync(join(tmpdir(), 'mptcp-kernel-'));
  const shared = sharedFolder(folder);
  const lines: string[] = [];
  try {
    const jest = [process.execPath, JEST, '--ci', '--selectProjects', 'kernel'];
    const results = ['--json', '--outputFile=/mptcp-guest/results.json'];
    const command = [...jest, ...results, '--testPathPatterns', options.tests]
      .map(quoted)
      .join(' ');
    const before = performance.now();
    await runInGuest({
      kernel,
      folder,
      cwd: ROOT,
      command: `${command} 2>&1 | cat`, // no terminal, so that jest does not animate
      env: {
        PATH: process.env.PATH ?? '',
        HOME: '/root',
        CI: 'true',
        NO_COLOR: '1',
        MPTCP_TEST_ROWS: '/mptcp-guest/rows',
      },
      onLine: (line) => {
        lines.push(line);
        if (options.console) console.log(line);
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(Number(options.minutes) * 60_000)]),
    });
    const report = makeReport(name, kernel, {
      results: join(shared, 'results.json'),
      rows: join(shared, 'rows'),
      root: ROOT,
    });
    writeFileSync(join(REPORTS, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
    console.log(summary(report, (performance.now() - before) / 1000));
    return report;
  } finally {
    writeFileSync(join(REPORTS, `${name}.log`), lines.join('\n'));
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
  mkdirSync(REPORTS, { recursive: true });
  const archive = new DebianKernels(FOLDER);
  try {
    archive.update();
  } catch (error) {
    console.error(`${(error as Error).message}\nWhat was fetched before is used.`);
  }
  for (const name of positionals.length > 0 ? positionals : KERNELS) {
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
