/** Tests that processes and workers end cleanly whatever the addon's threads are doing. */
import { join } from 'node:path';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';

const SCRIPT = join(__dirname, 'process-end.js');

interface Resources {
  threads: number;
  fds: number;
}

describeKernel('the addon when a process or worker ends', {}, () => {
  let host: Namespace;
  beforeAll(() => (host = new Namespace('process-end')));
  afterAll(() => host.dispose());

  const start = (name: string, ...command: string[]) => {
    const [program, ...args] = [...command, process.execPath, '--expose-gc', SCRIPT, name];
    return host.spawn(program, args);
  };
  /** Runs a scenario to its clean end, and returns what it printed. */
  const run = async (name: string) =>
    (await start(name).success())
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);

  test('survives process.exit() during commands, events and dumps', async () => {
    for (let i = 0; i < 10; ++i) {
      const process = start('exit');
      expect(await process.exited).toEqual({ code: 7, signal: null });
    }
  });

  test('survives an exception during commands, events and dumps', async () => {
    const process = start('exception');
    await process.line(/on purpose/, { from: 'stderr' });
    expect(await process.exited).toEqual({ code: 1, signal: null });
  });

  test('leaves no thread or descriptor of 50 workers terminated during commands, events and dumps', async () => {
    const [{ before, after }] = (await run('terminate')) as [
      { before: Resources; after: Resources },
    ];
    expect(after).toEqual(before);
    expect(after.threads).toBe(0);
  });

  test('leaves no thread of a worker that exits during commands, events and dumps', async () => {
    expect(await run('workerExit')).toMatchObject([{ code: 7, threads: 0 }]);
  });

  test('ends the threads and closes the sockets of objects that are garbage-collected', async () => {
    const [{ before, most, after }] = (await run('garbage')) as [
      { before: Resources; most: Resources; after: Resources },
    ];
    expect(most.threads).toBeGreaterThan(20);
    expect(most.fds - before.fds).toBeGreaterThan(60);
    expect(after.threads).toBe(0);
    expect(after.fds - before.fds).toBeLessThan(5); // Node itself opens some
  });

  test('restores a changed setting that is garbage-collected', async () => {
    expect(await run('heldSetting')).toEqual([66, 55]);
  });

  test('lets the process end with idle objects open', async () => {
    expect(await run('idle')).toEqual(['idle', 'exit']);
  });

  test('keeps the process alive until pending calls are answered', async () => {
    expect((await run('pending')).sort()).toEqual(['closed', 'command', 'dump', 'referenced']);
  });

  test('reports exceptions of callbacks as uncaught, and continues', async () => {
    expect(await run('throws')).toEqual(expect.arrayContaining(['first', 'second', 'closed']));
  });

  test('fails with EPERM where privilege is missing, and reads without it', async () => {
    const process = start('unprivileged', 'setpriv', '--reuid=65534', '--clear-groups');
    const lines = (await process.success()).trim().split('\n');
    const errors = lines.map((line) => JSON.parse(line) as { call: string });
    expect(errors.sort((a, b) => a.call.localeCompare(b.call))).toEqual([
      {
        ...{ errno: 1, call: 'MPTCP_PM_CMD_ADD_ADDR' },
        limits: { subflows: 2, addAddrAccepted: 0 },
      },
      { errno: 1, call: 'setns' },
      { errno: 1, call: 'setsockopt NETLINK_ADD_MEMBERSHIP' },
    ]);
  });
});
