/** Tests `mptcp doctor`: text, JSON, exit codes, changes as they happen, and the report for a bug. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BugReport, DoctorReport } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import type { Process } from '../lab/process';

const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

describeKernel('mptcp doctor', {}, () => {
  let host: Namespace;
  beforeEach(() => {
    host = new Namespace('cli-doctor');
  });
  afterEach(() => host.dispose());

  const start = (...args: string[]): Process =>
    host.spawn(process.execPath, [MAIN, 'doctor', ...args]);
  const ended = async (program: Process) => {
    const { code } = await program.exited;
    return { code, out: program.stdout, err: program.stderr };
  };

  test('prints nothing but the sum, and exits with 0, where nothing is wrong', async () => {
    const { code, out } = await ended(start());
    expect(code).toBe(0);
    expect(out).toMatch(/^(?:Skipped .*\n)*\d+ checks, 0 errors, 0 warnings, 0 for information\n$/);
  });

  test('prints the findings in 80 columns, and exits with 1 where one is an error', async () => {
    host.sysctl('net.mptcp.enabled', 0);
    const { code, out, err } = await ended(start());
    expect(code).toBe(1);
    expect(err).toBe('mptcp: 1 of the findings are errors\n');
    expect(out).toMatch(/^error MPD103\n {2}MPTCP is switched off/);
    expect(out).toMatch('\n  sysctl -w net.mptcp.enabled=1\n');
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(out).not.toMatch('\u001b');
  });

  test('prints JSON', async () => {
    host.sysctl('net.mptcp.enabled', 0);
    const { out } = await ended(start('--json'));
    expect((JSON.parse(out) as DoctorReport).findings.map(({ id }) => id)).toEqual(['MPD103']);
  });

  test('--watch prints what appears and disappears, until it is interrupted', async () => {
    host.sysctl('net.mptcp.enabled', 0);
    const program = start('--watch');
    await program.line(/^error MPD103$/);
    host.sysctl('net.mptcp.enabled', 1);
    await program.line(/^gone MPD103: /);
    program.child.kill('SIGTERM');
    await program.exited;
    expect(program.stderr).toBe('');
  });

  test('--bugreport writes a file that only its owner reads', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mptcp-doctor-'));
    try {
      const file = join(folder, 'report.json');
      expect(await ended(start('--bugreport', file))).toEqual({ code: 0, out: '', err: '' });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const { report } = JSON.parse(readFileSync(file, 'utf8')) as BugReport;
      expect(report.findings).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    [['--pid', 'x'], "The option --pid needs a process id, not 'x': ps -e lists them"],
    [['--role', 'sever'], "Unknown role 'sever': did you mean 'server'?"],
    [['now'], "Unexpected word 'now': see --help"],
  ])('%j is wrong usage', async (args, message) => {
    expect(await ended(start(...args))).toEqual({ code: 2, out: '', err: `mptcp: ${message}\n` });
  });
});
