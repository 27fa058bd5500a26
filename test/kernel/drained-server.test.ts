/** Tests what a join meets where the server of the connection has stopped listening. */
import { join } from 'node:path';
import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { ForeignClient } from './peers/foreign-processes';

/** A server that stops listening when its input says so, and keeps its connections. */
const SERVER = `
  const server = require(${JSON.stringify(join(__dirname, '..', '..', 'dist', 'net'))})
    .createServer((socket) => socket.pipe(socket))
    .listen(0, '::', () => console.log(JSON.stringify(server.address())));
  process.stdin.once('data', () => server.close());`;

describeKernel('after server.close()', {}, () => {
  test.each(FAMILIES)('connections live on, and joins are refused, IPv%i', async (family) => {
    await using lab = await twoPaths({ family, join: 'none' });
    await using pm = await PathManager.open({ netns: lab.client.name });
    const events = pm.events();
    await events.ready;
    const [first, second] = lab.paths;
    const server = lab.server.spawn(process.execPath, ['-e', SERVER]);
    const { port } = await server.json<{ port: number }>();
    const client = await ForeignClient.connect(lab.client, first.server.address, port);
    const { address } = second.client;

    // While the server listens, the same join succeeds.
    const joined = new Promise((resolve) => events.once('subflowEstablished', resolve));
    await pm.endpoints.add({ address, subflow: true });
    expect(await joined).toMatchObject({ local: { address }, remote: { port } });
    const left = new Promise((resolve) => events.once('subflowClosed', resolve));
    await pm.endpoints.delete(address);
    await left;

    server.stdin.write('close\n');
    await until('nobody listens', () => lab.server.exec('ss', ['-MHln']) === '');
    const refused = new Promise((resolve) => events.once('subflowClosed', resolve));
    await pm.endpoints.add({ address, subflow: true });
    expect(await refused).toMatchObject({
      ...{ local: { address }, remote: { port }, error: 'ECONNREFUSED' },
    });
    let open = 0;
    for await (const { subflows } of pm.connections({ state: 'ESTABLISHED' })) {
      open += (subflows ?? []).filter(({ state }) => state === 'ESTABLISHED').length;
    }
    expect(open).toBe(1);
    await client.close();
  });
});
