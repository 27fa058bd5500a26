/** Tests `pm.announce()` and `pm.withdraw()`, and the listeners that they hold. */
import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
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
async function announced(lab: Hosts, pm: PathManager, pms: PathManager) {
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
  const { port } = await foreignServer(lab.server, first!.server.address);
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
  return { address, port, client, join };
}

describeKernel('the listener of an announced address', {}, () => {
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
