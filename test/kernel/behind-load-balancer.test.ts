/** Tests that clients of a server behind a load balancer join at the server's own address. */
import { join } from 'node:path';
import { type LoadBalancerOptions, PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import type { Process } from '../lab/process';
import { Peer } from './peers/peer';

const PACKAGE = join(__dirname, '..', '..', 'dist');
const OWN = '10.9.0.1';
const OTHER = '10.9.0.2';
const PORT = 9001;

/** A process that makes the call, and ends in the requested way. */
async function user(
  host: Namespace,
  options: LoadBalancerOptions,
  netns?: string,
): Promise<Process> {
  const script = `
    const { PathManager } = require(${JSON.stringify(PACKAGE)});
    PathManager.open(${JSON.stringify({ netns })}).then(async (pm) => {
      await pm.behindLoadBalancer(${JSON.stringify(options)});
      console.log('set');
      process.stdin.once('data', () => process.exit());
    });`;
  const process_ = host.spawn(process.execPath, ['-e', script]);
  await process_.line(/^set$/, { timeout: 30_000 });
  return process_;
}

async function exit(...users: Process[]): Promise<void> {
  for (const each of users) each.stdin.write('exit\n');
  await Promise.all(users.map((each) => each.success()));
}

describeKernel('behindLoadBalancer()', {}, () => {
  let host: Namespace;
  let pm: PathManager;
  beforeEach(async () => {
    host = new Namespace('backend');
    for (const address of [OWN, OTHER]) host.ip('address', 'add', `${address}/32`, 'dev', 'lo');
    pm = await PathManager.open({ netns: host.name });
  });
  afterEach(async () => {
    await pm.close();
    await host.dispose();
  });
  const allowed = () => host.sysctl('net.mptcp.allow_join_initial_addr_port');
  const endpoints = () =>
    host
      .ip('mptcp', 'endpoint', 'show')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => line.trim().replace(/ id \d+/, ''));
  const state = () => ({ allowed: allowed(), endpoints: endpoints() });
  const untouched = { allowed: '1', endpoints: [] };
  const shown = `${OWN} port ${PORT} signal`;

  test('refuses joins and announces the address, until it is closed', async () => {
    const balanced = await pm.behindLoadBalancer({ address: OWN, interface: 'lo' });
    expect(balanced.endpoint).toMatchObject({ address: OWN, signal: true, interface: 'lo' });
    expect(state()).toEqual({ allowed: '0', endpoints: [`${OWN} signal dev lo`] });
    await balanced.close();
    await balanced.close();
    expect(state()).toEqual(untouched);
  });

  test('pm.close() takes it back', async () => {
    await pm.behindLoadBalancer({ address: OWN, port: PORT });
    expect(state()).toEqual({ allowed: '0', endpoints: [shown] });
    await pm.close();
    expect(state()).toEqual(untouched);
  });

  test('what others have set stays', async () => {
    host.sysctl('net.mptcp.allow_join_initial_addr_port', 0);
    host.addEndpoint(OWN, 'signal', 'port', String(PORT));
    const before = state();
    await (await pm.behindLoadBalancer({ address: OWN, port: PORT })).close();
    expect(state()).toEqual(before);
  });

  test('an endpoint that was deleted, and its id, are left alone', async () => {
    const balanced = await pm.behindLoadBalancer({ address: OWN, port: PORT });
    await pm.endpoints.delete(balanced.endpoint!.id);
    await pm.endpoints.add({ address: OTHER, id: balanced.endpoint!.id, subflow: true });
    await balanced.close();
    expect(state()).toEqual({ allowed: '1', endpoints: [`${OTHER} subflow`] });
  });

  test('is shared: the last one takes it back', async () => {
    await using second = await PathManager.open({ netns: host.name });
    const process_ = await user(host, { address: OWN, port: PORT });
    const [one, two, other] = await Promise.all([
      pm.behindLoadBalancer({ address: OWN, port: PORT }),
      second.behindLoadBalancer({ address: OWN, port: PORT }),
      second.behindLoadBalancer({ address: OTHER }),
    ]);
    expect(one.endpoint).toEqual(two.endpoint);
    const all = { allowed: '0', endpoints: [shown, `${OTHER} signal`] };
    expect(state()).toEqual(all);
    await exit(process_);
    await one.close();
    expect(state()).toEqual(all);
    await two.close();
    expect(state()).toEqual({ allowed: '0', endpoints: [`${OTHER} signal`] });
    await other.close();
    expect(state()).toEqual(untouched);
  });

  test('comes back when the process exits', async () => {
    await exit(await user(host, { address: OWN, port: PORT }));
    expect(state()).toEqual(untouched);
  });

  test('comes back when a process of another namespace exits', async () => {
    await using elsewhere = new Namespace('elsewhere');
    await exit(await user(elsewhere, { address: OWN, port: PORT }, host.name));
    expect(state()).toEqual(untouched);
  });

  test('comes back when all workers exit at once, or some are killed', async () => {
    const options = { address: OWN, port: PORT };
    const workers = await Promise.all([1, 2, 3, 4].map(() => user(host, options)));
    await workers.pop()!.kill('SIGKILL');
    expect(state()).toEqual({ allowed: '0', endpoints: [shown] });
    await exit(...workers);
    expect(state()).toEqual(untouched);
  });

  describe.each([
    ['stays, as set by others', undefined, { allowed: '0', endpoints: [shown] }],
    ['is taken back by one that takes it over', true, untouched],
  ])('what a killed process has left %s', (_what, takeOver, left) => {
    const own = { address: OWN, port: PORT };
    beforeEach(async () => {
      await (await user(host, own)).kill('SIGKILL');
      expect(state()).toEqual({ allowed: '0', endpoints: [shown] });
    });

    test('at its close', async () => {
      const taken = await pm.behindLoadBalancer({ ...own, ...(takeOver && { takeOver }) });
      const also = await pm.behindLoadBalancer(own);
      await taken.close();
      expect(state()).toEqual({ allowed: '0', endpoints: [shown] });
      await also.close();
      expect(state()).toEqual(left);
    });

    test('at its exit', async () => {
      await exit(await user(host, { ...own, ...(takeOver && { takeOver }) }));
      expect(state()).toEqual(left);
    });
  });

  test('what somebody holds is not taken over', async () => {
    host.sysctl('net.mptcp.allow_join_initial_addr_port', 0);
    host.addEndpoint(OWN, 'signal', 'port', String(PORT));
    const before = state();
    const first = await pm.behindLoadBalancer({ address: OWN, port: PORT });
    await (await pm.behindLoadBalancer({ address: OWN, port: PORT, takeOver: true })).close();
    await first.close();
    expect(state()).toEqual(before);
  });

  test('whatever a terminated worker leaves can be taken over', async () => {
    const script = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(\`
        const { PathManager } = require(${JSON.stringify(PACKAGE)});
        PathManager.open().then(async (pm) => {
          await pm.behindLoadBalancer({ address: '${OWN}', port: ${PORT} });
          require('node:worker_threads').parentPort.postMessage('set');
        });\`, { eval: true });
      worker.once('message', async () => {
        await worker.terminate();
        console.log('terminated');
        process.stdin.once('data', () => process.exit());
      });`;
    const process_ = host.spawn(process.execPath, ['-e', script]);
    await process_.line(/^terminated$/, { timeout: 30_000 });
    const balanced = await pm.behindLoadBalancer({ address: OWN, port: PORT, takeOver: true });
    await balanced.close();
    expect(state()).toEqual(untouched);
    await exit(process_);
  });

  test('in userspace mode there is no endpoint', async () => {
    await pm.mode.set('userspace', { except: () => true });
    const balanced = await pm.behindLoadBalancer({ address: OWN });
    expect(balanced.endpoint).toBeUndefined();
    expect(state()).toEqual({ allowed: '0', endpoints: [] });
    await balanced.close();
    expect(state()).toEqual(untouched);
  });

  describe('changes nothing where it fails', () => {
    const failing = (options: LoadBalancerOptions): Promise<Error> =>
      pm.behindLoadBalancer(options).then(
        () => new Error('it did not fail'),
        (error: unknown) => error as Error,
      );

    test('the address has another endpoint', async () => {
      host.addEndpoint(OWN, 'subflow');
      const error = await failing({ address: OWN });
      expect(error).toMatchObject({ code: 'ERR_MPTCP_EXISTS' });
      expect(error.message).toContain('pm.endpoints.delete(1)');
      expect(state()).toEqual({ allowed: '1', endpoints: [`${OWN} subflow`] });
    });

    test('somebody listens at the port', async () => {
      const server = await Peer.start(host);
      const port = await server.run(({ plain, listen }) => listen(plain.net.createServer()));
      const error = await failing({ address: OWN, port });
      expect(error).toMatchObject({ code: 'ERR_MPTCP_EXISTS' });
      expect(error.message).toContain(`port ${port} of ${OWN}`);
      expect(state()).toEqual(untouched);
    });

    test('to listen there, the address must be one of this host', async () => {
      expect(await failing({ address: '10.9.0.3', port: PORT })).toMatchObject({
        code: 'ERR_MPTCP_NOT_FOUND',
      });
      expect(state()).toEqual(untouched);
    });

    test('there is no such interface', async () => {
      expect(await failing({ address: OWN, interface: 'none0' })).toBeInstanceOf(Error);
      expect(state()).toEqual(untouched);
    });

    test('without privilege', async () => {
      const server = await Peer.start(host, { unprivileged: true });
      const code = await server.run(async ({ mptcp }, address) => {
        const own = await mptcp.PathManager.open();
        return own.behindLoadBalancer({ address }).then(
          () => 'it did not fail',
          (error: unknown) => (error as { code: string }).code,
        );
      }, OWN);
      expect(code).toBe('ERR_MPTCP_PERMISSION');
      expect(state()).toEqual(untouched);
    });

    test('an abort, at any moment', async () => {
      for (let turns = 0; ; turns += 1 + (turns >> 2)) {
        const abort = new AbortController();
        const done = pm.behindLoadBalancer({ address: OWN, port: PORT }, abort);
        for (let i = 0; i < turns; i++) await new Promise(setImmediate);
        abort.abort();
        const outcome = await done.catch((error: unknown) => error as Error);
        if (!(outcome instanceof Error)) {
          await outcome.close();
          break; // it was too late for the abort
        }
        expect(outcome).toMatchObject({ name: 'AbortError', applied: false });
        expect(state()).toEqual(untouched);
      }
    });
  });

  test('warns where an announcement cannot fit', async () => {
    const server = await Peer.start(host);
    host.ip('address', 'add', 'fd00:9::1/128', 'dev', 'lo', 'nodad');
    const call = ({ mptcp, warnings }: Parameters<Parameters<Peer['run']>[0]>[0]) =>
      mptcp.PathManager.open().then(async (own) => {
        await own.behindLoadBalancer({ address: 'fd00:9::1', port: 9001 });
        await own.close();
        return warnings.map(({ code }) => code);
      });
    host.sysctl('net.ipv4.tcp_timestamps', 0);
    expect(await server.run(call)).toEqual([]);
    host.sysctl('net.ipv4.tcp_timestamps', 1);
    expect(await server.run(call)).toEqual(['MPTCP_ANNOUNCE']);
  });

  test.each([
    [undefined, TypeError],
    [{}, TypeError],
    [{ address: 'example.org' }, TypeError],
    [{ address: OWN, interface: 1 }, TypeError],
    [{ address: OWN, port: '80' }, TypeError],
    [{ address: OWN, port: 65_536 }, RangeError],
    [{ address: OWN, takeOver: 1 }, TypeError],
  ])('refuses %j', async (options, kind) => {
    await expect(pm.behindLoadBalancer(options as never)).rejects.toBeInstanceOf(kind);
    expect(state()).toEqual(untouched);
  });
});
