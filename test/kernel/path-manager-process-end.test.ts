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

interface Before {
  before: Resources;
  after: Resources;
}

describeKernel('path managers end clean', {}, () => {
  let host: Namespace;
  beforeEach(() => {
    host = new Namespace('lives');
    host.ip('link', 'add', 'd0', 'type', 'bridge');
    host.ip('link', 'set', 'd0', 'up');
    host.ip('address', 'add', '10.0.0.1/24', 'dev', 'd0');
  });
  afterEach(() => host.dispose());

  const start = (name: string) => host.spawn(process.execPath, ['--expose-gc', SCRIPT, name]);
  /** What it prints until its clean end. */
  const live = async (name: string) =>
    (await start(name).success())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const mode = () => host.sysctl('net.mptcp.path_manager');

  test.each([
    ['process.exit()', 'exit', 7],
    ['an exception', 'exception', 1],
  ])('%s in the middle of everything gives the mode back', async (_, name, code) => {
    for (let i = 0; i < 3; ++i) {
      expect(await start(name).exited).toEqual({ code, signal: null });
      expect(mode()).toBe('kernel');
    }
  });

  test('workers terminated in the middle of everything leave nothing', async () => {
    const [{ before, after, modes }] = (await live('terminate')) as [
      Before & { modes: [string, string][] },
    ];
    expect(after).toEqual(before);
    expect(after.threads).toBe(0);
    for (const [during, then] of modes) expect([during, then]).toEqual(['userspace', 'kernel']);
  });

  test('a worker that exits, and one that is there when the process does', async () => {
    expect(await live('workerExit')).toEqual([
      { code: 7, mode: 'kernel', threads: 0 },
      { mode: 'userspace' },
    ]);
    expect(mode()).toBe('kernel');
  });

  test('garbage takes its threads and sockets along', async () => {
    const [{ before, made, after }] = (await live('garbage')) as [Before & { made: number }];
    expect(made).toBe(21);
    expect(after.threads).toBe(0);
    expect(after.fds).toBeLessThanOrEqual(before.fds);
  });

  test('close() answers whatever is asked, and leaves nothing', async () => {
    const [{ before, after, told, mode }] = (await live('close')) as [
      Before & { told: string[]; mode: string },
    ];
    expect(after).toEqual(before);
    expect(mode).toBe('kernel');
    expect(told).toContain('true'); // the loop's end
    for (const code of told) {
      expect(['true', 'ERR_MPTCP_CLOSED', 'ERR_MPTCP_LIMIT', 'ERR_MPTCP_NOT_FOUND']).toContain(
        code,
      );
    }
  });
});

describeKernel('a cluster', {}, () => {
  test('each of its workers has a path manager, and one of them the mode', async () => {
    await using host = new Namespace('cluster');
    const primary = host.spawn(process.execPath, [SCRIPT, 'cluster']);
    interface Told {
      worker: number;
      pid: number;
      id: number;
      owner: number | { code: string; message: string };
    }
    const begun: Told[] = [];
    while (begun.length < 3) begun.push(await primary.json<Told>((told) => 'pid' in told));
    expect(new Set(begun.map(({ id }) => id)).size).toBe(3);
    const owners = begun.filter(({ owner }) => typeof owner === 'number');
    expect(owners).toHaveLength(1);
    const [{ pid }] = owners as [Told];
    for (const { owner } of begun.filter((each) => each !== owners[0])) {
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
    // Each is told of both ends of every one, whoever accepted it.
    const all = new Set<number>();
    while (all.size < 3) {
      const { worker } = await primary.json<{ worker: number }>(
        (told) => (told as { tokens?: number }).tokens === 2 * count,
      );
      all.add(worker);
    }
    await client.close();
    process.kill(pid, 'SIGKILL');
    await until('it has no owner', async () => (await pm.mode.get()).ownerless);
    await pm.mode.set('kernel');
    primary.stdin.end();
    await primary.exited;
  });
});
