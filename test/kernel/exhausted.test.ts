/** Tests a process without threads or files to be had: errors have a code, and sockets work where TCP would. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';

const PROGRAM = join(__dirname, 'peers', 'exhausted.js');
const CALLS = ['open', 'events', 'watch', 'connections', 'mode'];

const SOCKETS = join(__dirname, 'peers', 'exhausted-sockets.js');
const WORKING = { listening: 'ok', connected: 'mptcp' };

type Results = Record<'before' | 'during' | 'after', Record<string, unknown>>;

const all = (value: unknown) => Object.fromEntries(CALLS.map((name) => [name, value]));
const failed = (errno: number) => all({ mptcp: true, code: 'ERR_MPTCP_SYSTEM', errno: -errno });

describeKernel('a process at its limits', { needs: ['g++'] }, () => {
  let host: Namespace;
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mptcp-exhausted-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    host = new Namespace('exhausted');
  });
  afterEach(() => host.dispose());

  const run = (command: string, ...args: string[]): Promise<Results> =>
    host.spawn(command, args).json<Results>();

  /** The variables that let a program be without threads while a file exists. */
  function withoutThreads(): string[] {
    const library = join(folder, 'no-threads.so');
    const source = join(__dirname, 'peers', 'no-threads.cc');
    execFileSync('g++', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
    return [`LD_PRELOAD=${library}`, `NO_THREADS=${join(folder, 'no-threads')}`];
  }

  test('no thread: sockets work', async () => {
    const args = [...withoutThreads(), process.execPath, SOCKETS, 'threads'];
    expect(await run('env', ...args)).toEqual({ during: WORKING, after: WORKING });
  });

  test('no file: the first sockets of a process fail with EMFILE, and later ones work', async () => {
    const shell = ['-c', 'ulimit -n 80; exec "$0" "$@"'];
    expect(await run('sh', ...shell, process.execPath, SOCKETS, 'files')).toEqual({
      during: {
        listening: { code: 'EMFILE', syscall: 'listen' },
        connected: { code: 'EMFILE', syscall: 'connect' },
      },
      after: WORKING,
    });
  });

  test('no thread: every call fails with EAGAIN, and works later', async () => {
    const { before, during, after } = await run(
      'env',
      ...withoutThreads(),
      process.execPath,
      PROGRAM,
      'threads',
    );
    expect({ ...before, mode: 'ok' }).toEqual(all('ok'));
    expect(during).toEqual(failed(constants.errno.EAGAIN));
    expect(after).toEqual(all('ok'));
  });

  test('no file: every call fails with EMFILE, and works later', async () => {
    const shell = ['-c', 'ulimit -n 80; exec "$0" "$@"'];
    const { before, during, after } = await run('sh', ...shell, process.execPath, PROGRAM, 'files');
    expect(before).toEqual(all('ok'));
    expect(during).toEqual(failed(constants.errno.EMFILE));
    expect(after).toEqual(all('ok'));
  });
});
