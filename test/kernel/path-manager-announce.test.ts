/** Tests `pm.announce()` and `pm.withdraw()`, and the listeners that they hold. */
import { join } from 'node:path';
import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import type { Namespace } from '../lab/namespace';
import type { Process } from '../lab/process';
import { type Hosts, twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { ForeignClient, foreignServer } from './peers/foreign-processes';

/**
 * Connects `count` times, sends nothing, and reports how each connection ended. One after the
 * other: of silent clients that come at once, a queue that is full for a moment forgets some.
 */
const STRANGERS = `
  const net = require('node:net');
  const [host, port, count] = process.argv.slice(1);
  (async () => {
    for (let i = 0; i < count; i++) {
      const socket = net.connect(port, host).resume();
      socket.on('error', ({ code }) => console.log(code)).on('end', () => console.log('end'));
      await new Promise((resolve) => socket.on('close', resolve));
    }
  })();`;

const STRANGER_COUNT = 8;

/** A connection of which the server has announced its second address, where nobody listens. */
async function announced(
  lab: Hosts,
  pm: PathManager,
  pms: PathManager,
  serve: (host: Namespace, address: string) => Promise<{ port: number }> = foreignServer,
) {
  await pm.mode.set('userspace', { except: () => true });
  await pms.mode.set('userspace', { except: () => true });
  const [events, atServer] = [pm.events(), pms.events()];
  await Promise.all([events.ready, atServer.ready]);
  const tokens = Promise.all(
    [events, atServer].map(
      (each) =>
        new Promise<number>((resolve) => each.once('established', ({ token }) => resolve(token))),
    ),
  );
  const [first, second] = lab.paths;
  const { port } = await serve(lab.server, first!.server.address);
  const client = await ForeignClient.connect(lab.client, first!.server.address, port);
  const [token, serverToken] = await tokens;
  const { address } = second!.server;
  await pms.announce(serverToken!, { id: 7, address });
  const join = async () => {
    const joined = new Promise((resolve) => events.once('subflowEstablished', resolve));
    await pm.createSubflow(token!, {
      local: { address: second!.client.address, id: 3 },
      remote: { address, port },
    });
    await joined;
  };
  return { address, port, client, token: serverToken!, join };
}

/** A server that stops listening when its input says so, keeps its connections, and listens again. */
const DRAINING = `
  const server = require(${JSON.stringify(join(__dirname, '..', '..', 'dist', 'net'))})
    .createServer((socket) => socket.pipe(socket))
    .listen(0, process.argv[1], () => console.log(JSON.stringify(server.address())));
  process.stdin.once('data', () => {
    const { port } = server.address();
    server.close();
    process.stdin.once('data', () => server.listen(port, process.argv[1]));
  });`;

/** Listens by plain TCP, and prints the outcome. */
const NEXT = `
  const [host, port] = process.argv.slice(1);
  const server = require('node:net').createServer()
    .on('error', ({ code }) => console.log(JSON.stringify({ outcome: code })))
    .listen(port, host, () => {
      console.log(JSON.stringify({ outcome: 'listening' }));
      server.close();
    });`;

describeKernel('the listener of an announced address', {}, () => {
  test('ends with the server of its port, so that the next process can listen there', async () => {
    await using lab = await twoPaths({ join: 'none' });
    await using pm = await PathManager.open({ netns: lab.client.name });
    await using pms = await PathManager.open({ netns: lab.server.name });
    let server: Process | undefined;
    const { address, port, client, join } = await announced(lab, pm, pms, (host, at) => {
      server = host.spawn(process.execPath, ['-e', DRAINING, at]);
      return server.json<{ port: number }>();
    });
    const listeners = () => lab.server.exec('ss', ['-MHln', 'sport', '=', String(port)]);
    expect(listeners()).toContain(`${address}:${port}`);
    await join();
    const bySubflows = async (): Promise<number> => {
      for await (const each of pm.connections({ remotePort: port })) {
        return (each.subflows ?? []).filter(({ state }) => state === 'ESTABLISHED').length;
      }
      return 0;
    };
    expect(await bySubflows()).toBe(2);

    server!.stdin.write('drain\n');
    await until('nobody listens any more', () => listeners() === '');
    for (const host of [address, '0.0.0.0', '::']) {
      const next = lab.server.spawn(process.execPath, ['-e', NEXT, host, String(port)]);
      expect(await next.json()).toEqual({ outcome: 'listening' });
      await next.success();
    }
    expect(await bySubflows()).toBe(2); // the connection lives on
    await client.close();
  });

  test('returns with the server of its port, for what was announced before', async () => {
    await using lab = await twoPaths({ join: 'none' });
    await using pm = await PathManager.open({ netns: lab.client.name });
    await using pms = await PathManager.open({ netns: lab.server.name });
    let server: Process | undefined;
    const { address, port, client, token, join } = await announced(lab, pm, pms, (host, at) => {
      server = host.spawn(process.execPath, ['-e', DRAINING, at]);
      return server.json<{ port: number }>();
    });
    const listeners = () => lab.server.exec('ss', ['-MHln', 'sport', '=', String(port)]);
    server!.stdin.write('drain\n');
    await until('nobody listens any more', () => listeners() === '');
    // An announcement in the meantime gets its listener with the others.
    const another = '10.77.0.1';
    lab.server.ip('address', 'add', `${another}/32`, 'dev', 'lo');
    await pms.announce(token, { id: 8, address: another });
    expect(listeners()).toBe('');

    server!.stdin.write('listen\n');
    const held = [address, another].map((each) => `${each}:${port}`);
    await until('the listeners are back', () => held.every((each) => listeners().includes(each)));
    await join();
    await pms.withdraw(token, 8);
    expect(listeners()).not.toContain(another);
    await client.close();
    await until('the listener is closed', () => !listeners().includes(held[0]!));
  });

  test.each([
    ['TCP', ['node']],
    ['MPTCP', ['mptcpize', 'run', 'node']],
  ])(
    'resets who connects there by %s, and takes joins all the same',
    async (_, [program, ...args]) => {
      await using lab = await twoPaths({ join: 'none' });
      lab.server.sysctl('net.core.somaxconn', 1); // so that a few would fill the queue
      await using pm = await PathManager.open({ netns: lab.client.name });
      await using pms = await PathManager.open({ netns: lab.server.name });
      const { address, port, join } = await announced(lab, pm, pms);
      const strangers = lab.client.spawn(program!, [
        ...[...args, '-e', STRANGERS, address, String(port), String(STRANGER_COUNT)],
      ]);
      expect((await strangers.success()).trim().split('\n')).toEqual(
        Array(STRANGER_COUNT).fill('ECONNRESET'),
      );
      await join();
      await until('no stranger is kept', async () => {
        let count = 0;
        for await (const { remote } of pms.connections({ localAddress: address })) {
          count += Number(remote.port !== 0);
        }
        return count === 0;
      });
    },
  );
});
