/**
 * Tests of the userspace mode: its owner, the connections of other programs, and commands for one
 * connection.
 */
import { join } from 'node:path';
import { PathManager, type PathManagerEvent, type PathManagerEvents } from 'mptcp';
import { canonicalAddress } from '../../lib/base/addresses';
import { describeKernel } from '../lab/jest';
import type { Namespace } from '../lab/namespace';
import { FAMILIES } from '../lab/path-end';
import type { Process } from '../lab/process';
import { type Hosts, twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { ForeignClient, foreignServer } from './peers/foreign-processes';

const PACKAGE = join(__dirname, '..', '..', 'dist');
const OBSERVER = join(__dirname, 'peers', 'netlink-observer.js');
const FAR = '10.99.99.99';

/** Starts a process that owns the userspace mode until its input says how to end. */
async function owner(host: Namespace, netns?: string): Promise<Process> {
  const script = `
    const { PathManager } = require(${JSON.stringify(PACKAGE)});
    PathManager.open(${JSON.stringify({ netns })}).then(async (pm) => {
      await pm.mode.set('userspace');
      process.once('SIGUSR2', () => pm.close().finally(() => process.exit()));
      console.log('owns');
      process.stdin.once('data', (how) => String(how).trim() === 'exit' ? process.exit() : pm.close());
      process.stdin.unref();
      setInterval(() => 0, 1000).unref();
      process.stdin.ref();
    });`;
  const process_ = host.spawn(process.execPath, ['-e', script]);
  await process_.line(/^owns$/);
  return process_;
}

/** Starts an observer by the npm package netlink; the result waits for an event (MPTCP_EVENT_*). */
async function observe(host: Namespace) {
  const observer = host.spawn(process.execPath, [OBSERVER]);
  await observer.json();
  return async (event: number, properties: object): Promise<void> => {
    const seen = await observer.json<{ event: number; remote?: string }>(
      (each) => each.event === event,
    );
    const remote = seen.remote && canonicalAddress(seen.remote);
    expect({ ...seen, remote }).toMatchObject(properties);
  };
}

function waitFor<Type extends PathManagerEvent['type']>(
  events: PathManagerEvents,
  type: Type,
): Promise<Extract<PathManagerEvent, { type: Type }>> {
  return new Promise((resolve) => events.once(type, resolve as never));
}

async function subflowCount(pm: PathManager): Promise<number> {
  let count = 0;
  for await (const { subflows = [] } of pm.connections({ state: 'ESTABLISHED' })) {
    count += subflows.length;
  }
  return count;
}

describeKernel('path manager mode', {}, () => {
  let lab: Hosts;
  let pm: PathManager;
  const mode = () => lab.client.pathManager();
  const setUp = async (options: Parameters<typeof twoPaths>[0]): Promise<void> => {
    lab = await twoPaths(options);
    pm = await PathManager.open({ netns: lab.client.name });
  };
  afterEach(async () => {
    await pm.close();
    await lab.dispose();
  });

  describe('has one owner in a namespace:', () => {
    beforeEach(() => setUp({ join: 'none' }));

    test('set() switches it, get() reports it, and close() restores it', async () => {
      expect(await pm.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
      await pm.mode.set('userspace');
      expect(mode()).toBe('userspace');
      expect(await pm.mode.get()).toMatchObject({
        ...{ mode: 'userspace', ownerless: false, owner: { pid: process.pid } },
      });
      await pm.mode.set('kernel');
      expect(mode()).toBe('kernel');
      await pm.mode.set('userspace');
      await pm.close();
      expect(mode()).toBe('kernel');
    });

    test('a second owner is refused, and the error names the first', async () => {
      const { pid } = await owner(lab.client);
      for (const requested of ['userspace', 'kernel'] as const) {
        const error = (await pm.mode.set(requested).catch((reason: unknown) => reason)) as Error;
        expect(error).toMatchObject({ code: 'ERR_MPTCP_PATH_MANAGER' });
        expect(error.message).toContain(`process ${pid} (${process.execPath} -e`);
      }
      expect(mode()).toBe('userspace');
    });

    test.each(['exit', 'close'])("the owner's %s restores the kernel's mode", async (how) => {
      const process_ = await owner(lab.client);
      process_.stdin.end(`${how}\n`);
      await process_.exited;
      expect(mode()).toBe('kernel');
      expect(await pm.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
    });

    test.each(['exit', 'close'])(
      "the owner's %s restores the mode of another namespace",
      async (how) => {
        const process_ = await owner(lab.server, lab.client.name);
        expect(mode()).toBe('userspace');
        process_.stdin.end(`${how}\n`);
        await process_.exited;
        expect(mode()).toBe('kernel');
        expect(lab.server.pathManager()).toBe('kernel');
      },
    );

    test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
      'after %s it is reported as ownerless and can be reset',
      async (signal) => {
        const { pid, exited } = await owner(lab.client);
        process.kill(pid, signal);
        await exited;
        expect(await pm.mode.get()).toEqual({ mode: 'userspace', ownerless: true });
        await pm.mode.set('kernel');
        expect(mode()).toBe('kernel');
      },
    );

    test.each(['close', 'exit'])(
      'after SIGKILL, and then SIGKILL of a successor, the next %s restores what was there first',
      async (how) => {
        for (let killed = 0; killed < 2; killed++) {
          expect(await (await owner(lab.client)).kill('SIGKILL')).toMatchObject({ code: null });
          expect(mode()).toBe('userspace');
        }
        const last = await owner(lab.client);
        last.stdin.end(`${how}\n`);
        await last.exited;
        expect(mode()).toBe('kernel');
      },
    );

    test('a userspace mode that another program has set is what close() restores', async () => {
      lab.client.pathManager('userspace');
      await pm.mode.set('userspace');
      await pm.close();
      expect(mode()).toBe('userspace');
    });

    test('copies of the package in one process know of each other', async () => {
      const script = `
        const copy = () => {
          for (const name of Object.keys(require.cache)) delete require.cache[name];
          return { ...require(${JSON.stringify(PACKAGE)}), net: require(${JSON.stringify(join(PACKAGE, 'net'))}) };
        };
        const [one, other] = [copy(), copy()];
        (async () => {
          const [first, second] = [await one.PathManager.open(), await other.PathManager.open()];
          await first.mode.set('userspace');
          const error = await second.mode.set('userspace').catch((reason) => reason);
          const server = other.net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
          await new Promise((resolve) => server.once('listening', resolve));
          const client = other.net.connect(server.address().port, '127.0.0.1');
          client.write('x');
          await new Promise((resolve) => client.once('data', resolve));
          const [result] = await other.connectionOf(client).hint({ intent: 'backup' })
            .then((all) => all.filter(({ hint }) => hint === 'intent'));
          console.log(JSON.stringify({
            same: one.PathManager === other.PathManager,
            code: error.code, message: error.message,
            applied: result.applied, reason: result.reason?.message,
          }));
          process.exit();
        })();`;
      const found = await lab.client.spawn(process.execPath, ['-e', script]).json();
      expect(found).toEqual({
        same: false,
        code: 'ERR_MPTCP_PATH_MANAGER',
        message: expect.stringContaining('Another PathManager of this process') as string,
        applied: true,
      });
    });

    test('a signal that the owner handles restores it', async () => {
      expect(await (await owner(lab.client)).kill('SIGUSR2')).toMatchObject({ code: 0 });
      expect(mode()).toBe('kernel');
    });

    test('an abort before set() changes nothing', async () => {
      const signal = AbortSignal.abort();
      await expect(pm.mode.set('userspace', { signal })).rejects.toMatchObject({ applied: false });
      expect(await pm.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
      await pm.mode.set('userspace');
    });
  });

  describe.each(FAMILIES)('connections of other programs, IPv%i:', (family) => {
    test('a client joins from its subflow endpoints, within the limits', async () => {
      await setUp({ family, join: 'client', limits: { subflows: 1, addAddrAccepted: 0 } });
      await pm.mode.set('userspace');
      const events = pm.events();
      await events.ready;
      const joined = waitFor(events, 'subflowEstablished');
      const [first, second] = lab.paths;
      const { port } = await foreignServer(lab.server, '::');
      await ForeignClient.connect(lab.client, first!.server.address, port);
      expect(await joined).toMatchObject({
        local: { address: second!.client.address },
        localId: 1,
      });
      expect(await subflowCount(pm)).toBe(2);

      // As in kernel mode, deleting an endpoint closes its subflow, and adding one opens it.
      const gone = waitFor(events, 'subflowClosed');
      await pm.endpoints.delete(second!.client.address);
      expect(await gone).toMatchObject({ local: { address: second!.client.address } });
      const back = waitFor(events, 'subflowEstablished');
      lab.client.addEndpoint(second!.client.address, 'subflow', 'backup');
      const { local } = await back;
      const { value: connection } = await pm.connections().next();
      expect(connection!.subflows).toContainEqual(expect.objectContaining({ local, backup: true }));
    });

    test('limits of 0 allow the first subflow only', async () => {
      await setUp({ family, join: 'client', limits: { subflows: 0, addAddrAccepted: 0 } });
      lab.server.limits({ subflows: 8, addAddrAccepted: 0 });
      await pm.mode.set('userspace');
      const events = pm.events();
      await events.ready;
      const established = waitFor(events, 'established');
      const [first] = lab.paths;
      const { port } = await foreignServer(lab.server, '::');
      await ForeignClient.connect(lab.client, first!.server.address, port);
      await established;
      const joined = waitFor(events, 'subflowEstablished');
      await pm.limits.set({ subflows: 1 });
      await joined; // so the limit had prevented it
      expect(await subflowCount(pm)).toBe(2);
    });

    test('a client accepts announced addresses, and a server announces its signal endpoints', async () => {
      await setUp({ family, join: 'server' });
      await using pms = await PathManager.open({ netns: lab.server.name });
      await pm.mode.set('userspace');
      await pms.mode.set('userspace');
      const events = pm.events();
      await events.ready;
      const announced = waitFor(events, 'announced');
      const joined = waitFor(events, 'subflowEstablished');
      const [first, second] = lab.paths;
      const { port } = await foreignServer(lab.server, '::');
      await ForeignClient.connect(lab.client, first!.server.address, port);
      expect(await announced).toMatchObject({ address: second!.server.address });
      expect(await joined).toMatchObject({ remote: { address: second!.server.address, port } });
    });

    test('connections that `except` selects are managed by commands', async () => {
      await setUp({ family, join: 'none' });
      await using pms = await PathManager.open({ netns: lab.server.name });
      await pm.mode.set('userspace', { except: () => true });
      await pms.mode.set('userspace', { except: () => true });
      const [events, serverEvents] = [pm.events(), pms.events()];
      await Promise.all([events.ready, serverEvents.ready]);
      const [established, atServer] = [
        waitFor(events, 'established'),
        waitFor(serverEvents, 'established'),
      ];
      const [first, second] = lab.paths;
      const { port } = await foreignServer(lab.server, first!.server.address);
      await ForeignClient.connect(lab.client, first!.server.address, port);
      const { token, local, remote } = await established;
      const serverToken = (await atServer).token;
      const [observer, serverObserver] = await Promise.all([
        observe(lab.client),
        observe(lab.server),
      ]);
      const bySs = (local: { port: number }): string =>
        lab.client.exec('ss', ['-Htn', 'state', 'established', 'sport', '=', `:${local.port}`]);
      const listeners = () => lab.server.exec('ss', ['-HMltn']);

      // No socket listens at the second address, so announce() opens one.
      const announced = waitFor(events, 'announced');
      await pms.announce(serverToken, { id: 7, address: second!.server.address });
      expect(await announced).toMatchObject({ remoteId: 7, address: second!.server.address });
      await observer(6, { token, remote: second!.server.address });
      expect(listeners()).toContain(second!.server.address);
      // A second announcement with another address is refused, and the first remains.
      const target = { address: second!.server.address, port };
      await expect(
        pms.announce(serverToken, { id: 7, address: first!.server.address }),
      ).rejects.toMatchObject({ code: 'ERR_MPTCP_EXISTS', extack: 'did not match address and id' });
      expect(listeners()).toContain(second!.server.address);

      const joined = waitFor(events, 'subflowEstablished');
      await pm.createSubflow(token, {
        local: { address: second!.client.address, id: 3, interface: second!.client.device },
        remote: target,
      });
      const subflow = await joined;
      expect(subflow).toMatchObject({ localId: 3, remoteId: 7, remote: target });
      await observer(10, { token, localPort: subflow.local.port, remotePort: port });
      expect(bySs(subflow.local)).toContain(second!.client.address);
      expect(await pm.addresses.list(token)).toMatchObject([
        { id: 3, address: second!.client.address, interface: second!.client.device },
      ]);
      expect(await pm.addresses.get(token, 3)).toMatchObject({ address: second!.client.address });

      const priority = waitFor(serverEvents, 'subflowPriority');
      await pm.setBackup(token, subflow, true);
      expect(await priority).toMatchObject({ backup: true, remote: subflow.local });
      await serverObserver(13, { token: serverToken, remotePort: subflow.local.port });

      const destroyed = waitFor(events, 'subflowClosed');
      await pm.destroySubflow(token, subflow);
      expect(await destroyed).toMatchObject({ local: subflow.local });
      await observer(11, { token, localPort: subflow.local.port });
      expect(bySs(subflow.local)).toBe('');
      await expect(pm.destroySubflow(token, subflow)).rejects.toMatchObject({
        ...{ code: 'ERR_MPTCP_NOT_FOUND', extack: 'subflow not found' },
      });

      const removed = waitFor(events, 'removed');
      await pms.withdraw(serverToken, 7);
      expect(await removed).toMatchObject({ remoteId: 7 });
      await observer(7, { token });
      expect(listeners()).not.toContain(second!.server.address);
      await expect(pms.withdraw(serverToken, 7)).rejects.toMatchObject({
        ...{ code: 'ERR_MPTCP_NOT_FOUND', extack: 'address with id 7 not found' },
      });

      const [mine, other] = family === 4 ? ['10.2.1.1', 'fd00::1'] : ['fd00:2:1::1', '10.0.0.1'];
      await expect(
        pm.createSubflow(token, {
          local: { address: mine, id: 9 },
          remote: { address: other, port },
        }),
      ).rejects.toMatchObject({ extack: 'families mismatch' });
      expect([local.port, remote.port]).toContain(port);
      const to = family === 4 ? FAR : '2001:db8::9';
      lab.client.ip(`-${family}`, 'rule', 'add', 'to', to, 'unreachable', 'pref', '1');
      const nearby = second!.client.address;
      const unreachable = { local: { address: nearby, id: 9 }, remote: { address: to, port } };
      await expect(pm.createSubflow(token, unreachable)).rejects.toMatchObject({
        ...{ code: 'ERR_MPTCP_SYSTEM', errno: -101, extack: 'connect error: -101' },
        command: 'MPTCP_PM_CMD_SUBFLOW_CREATE',
      });
    });
  });

  test('a listener that announce() opened is closed with the connection', async () => {
    await setUp({ join: 'none' });
    await using pms = await PathManager.open({ netns: lab.server.name });
    await pms.mode.set('userspace', { except: () => true });
    const events = pms.events();
    await events.ready;
    const established = waitFor(events, 'established');
    const [first, second] = lab.paths;
    const { port } = await foreignServer(lab.server, first!.server.address);
    const foreign = await ForeignClient.connect(lab.client, first!.server.address, port);
    const { token } = await established;
    await pms.announce(token, { id: 7, address: second!.server.address });
    // An MPTCP listener accepts joins, a TCP one does not.
    await expect(
      pms.announce(token, { id: 8, address: first!.server.address, port }),
    ).resolves.toBeUndefined();
    expect(lab.server.exec('ss', ['-HMltn'])).toContain(second!.server.address);
    await foreign.close();
    await until(
      'the listener is closed',
      () => !lab.server.exec('ss', ['-HMltn']).includes(second!.server.address),
    );
  });

  test('commands are refused for connections that the kernel manages', async () => {
    await setUp({ join: 'client' });
    const events = pm.events();
    await events.ready;
    const established = waitFor(events, 'established');
    const [first] = lab.paths;
    const { port } = await foreignServer(lab.server, '::');
    await ForeignClient.connect(lab.client, first!.server.address, port);
    const { token, local } = await established;
    await pm.mode.set('userspace');
    const error = (await pm
      .createSubflow(token, {
        local: { address: local.address, id: 9 },
        remote: { address: FAR, port: 1 },
      })
      .catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({
      ...{ code: 'ERR_MPTCP_PATH_MANAGER', extack: 'userspace PM not selected' },
    });
    expect(error.message).toContain("pm.mode.set('userspace')");
  });
});
