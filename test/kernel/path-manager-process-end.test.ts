/**
 * Tests that path managers end cleanly and restore the mode when a process, worker or cluster ends.
 */
import { join } from 'node:path';
import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { until } from '../lab/until';
import { ForeignClient } from './peers/foreign-processes';

const SCRIPT = join(__dirname, 'peers', 'path-manager-process-end.js');

interface Resources {
  threads: number;
  fds: number;
}

interface Comparison {
  before: Resources;
  after: Resources;
}

describeKernel('path managers when a process or worker ends', {}, () => {
  let host: Namespace;
  beforeEach(() => {
    host = new Namespace('process-end');
    host.ip('link', 'add', 'd0', 'type', 'bridge');
    host.ip('link', 'set', 'd0', 'up');
    host.ip('address', 'add', '10.0.0.1/24', 'dev', 'd0');
  });
  afterEach(() => host.dispose());

  const start = (name: string) => host.spawn(process.execPath, ['--expose-gc', SCRIPT, name]);
  /** Runs a scenario to its clean end, and returns what it printed. */
  const run = async (name: string) =>
    (await start(name).success())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const mode = () => host.pathManager();

  test.each([
    ['process.exit()', 'exit', 7],
    ['an exception', 'exception', 1],
  ])('restore the mode on %s while everything is at work', async (_, name, code) => {
    for (let i = 0; i < 3; ++i) {
      expect(await start(name).exited).toEqual({ code, signal: null });
      expect(mode()).toBe('kernel');
    }
  });

  test('leave no resources of workers that are terminated while everything is at work', async () => {
    const [{ before, after, modes }] = (await run('terminate')) as [
      Comparison & { modes: [string, string][] },
    ];
    expect(after).toEqual(before);
    expect(after.threads).toBe(0);
    for (const pair of modes) expect(pair).toEqual(['userspace', 'kernel']); // during, after
  });

  test('restore the mode when a worker exits, and when the process exits during another one', async () => {
    expect(await run('workerExit')).toEqual([
      { code: 7, mode: 'kernel', threads: 0 },
      { mode: 'userspace' },
    ]);
    expect(mode()).toBe('kernel');
  });

  test('release their threads and sockets when they are garbage-collected', async () => {
    const [{ before, opened, after }] = (await run('garbage')) as [Comparison & { opened: number }];
    expect(opened).toBe(21);
    expect(after.threads).toBe(0);
    expect(after.fds).toBeLessThanOrEqual(before.fds);
  });

  test('settle all calls on close(), and leave no resources', async () => {
    const [{ before, after, outcomes, mode }] = (await run('close')) as [
      Comparison & { outcomes: string[]; mode: string },
    ];
    expect(after).toEqual(before);
    expect(mode).toBe('kernel');
    expect(outcomes).toContain('true'); // `done` of the event stream
    for (const code of outcomes) {
      expect(['true', 'ERR_MPTCP_CLOSED', 'ERR_MPTCP_LIMIT', 'ERR_MPTCP_NOT_FOUND']).toContain(
        code,
      );
    }
  });
});

describeKernel('path managers in a cluster', {}, () => {
  test('each worker has one, and one of them owns the mode', async () => {
    await using host = new Namespace('cluster');
    const primary = host.spawn(process.execPath, [SCRIPT, 'cluster']);
    interface WorkerReport {
      worker: number;
      pid: number;
      id: number;
      owner: number | { code: string; message: string };
    }
    const reports: WorkerReport[] = [];
    while (reports.length < 3)
      reports.push(await primary.json<WorkerReport>((message) => 'pid' in message));
    expect(new Set(reports.map(({ id }) => id)).size).toBe(3);
    const owners = reports.filter(({ owner }) => typeof owner === 'number');
    expect(owners).toHaveLength(1);
    const [{ pid }] = owners as [WorkerReport];
    for (const { owner } of reports.filter((each) => each !== owners[0])) {
      expect(owner).toMatchObject({ code: 'ERR_MPTCP_PATH_MANAGER' });
      expect((owner as { message: string }).message).toContain(`process ${pid} `);
    }

    await using pm = await PathManager.open({ netns: host.name });
    expect(await pm.mode.get()).toMatchObject({ mode: 'userspace', owner: { pid } });
    expect(await pm.endpoints.list()).toHaveLength(3);
    const count = 6;
    const client = await ForeignClient.connect(host, '127.0.0.1', 4000, count);
    let both = 0;
    for await (const { subflows } of pm.connections({ localPort: 4000 })) both += subflows!.length;
    expect(both).toBe(count);
    // Each worker receives the events of both ends of every connection, whichever worker accepted it.
    const all = new Set<number>();
    while (all.size < 3) {
      const { worker } = await primary.json<{ worker: number }>(
        (message) => (message as { tokens?: number }).tokens === 2 * count,
      );
      all.add(worker);
    }
    await client.close();
    process.kill(pid, 'SIGKILL');
    await until('the mode has no owner', async () => (await pm.mode.get()).ownerless);
    await pm.mode.set('kernel');
    primary.stdin.end();
    await primary.exited;
  });
});
