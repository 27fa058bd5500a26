import { join } from 'node:path';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';

const SCRIPT = join(__dirname, 'process-end.js');

interface Resources {
  threads: number;
  fds: number;
}

describeKernel('ends clean', {}, () => {
  let host: Namespace;
  beforeAll(() => (host = new Namespace('lives')));
  afterAll(() => host.dispose());

  const start = (name: string, ...command: string[]) => {
    const [program, ...args] = [...command, process.execPath, '--expose-gc', SCRIPT, name];
    return host.spawn(program, args);
  };
  /** What it prints until its clean end. */
  const live = async (name: string) =>
    (await start(name).success())
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);

  test('process.exit() in the middle of commands, events and dumps', async () => {
    for (let i = 0; i < 10; ++i) {
      const process = start('exit');
      expect(await process.exited).toEqual({ code: 7, signal: null });
    }
  });

  test('an exception in the middle of commands, events and dumps', async () => {
    const process = start('exception');
    await process.line(/on purpose/, { from: 'stderr' });
    expect(await process.exited).toEqual({ code: 1, signal: null });
  });

  test('50 workers terminated in the middle of commands, events and dumps', async () => {
    const [{ before, after }] = (await live('terminate')) as [
      { before: Resources; after: Resources },
    ];
    expect(after).toEqual(before);
    expect(after.threads).toBe(0);
  });

  test('a worker that exits in the middle of commands, events and dumps', async () => {
    expect(await live('workerExit')).toMatchObject([{ code: 7, threads: 0 }]);
  });

  test('garbage takes its threads and sockets along', async () => {
    const [{ before, most, after }] = (await live('garbage')) as [
      { before: Resources; most: Resources; after: Resources },
    ];
    expect(most.threads).toBeGreaterThan(20);
    expect(most.fds - before.fds).toBeGreaterThan(60);
    expect(after.threads).toBe(0);
    expect(after.fds - before.fds).toBeLessThan(5); // Node opens some of its own
  });

  test('by itself, with everything open', async () => {
    expect(await live('idle')).toEqual(['idle', 'exit']);
  });

  test('not before what is pending has answered', async () => {
    expect((await live('pending')).sort()).toEqual(['closed', 'command', 'dump', 'referenced']);
  });

  test('callbacks that throw', async () => {
    expect(await live('throws')).toEqual(expect.arrayContaining(['first', 'second', 'closed']));
  });

  test('without privileges', async () => {
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
