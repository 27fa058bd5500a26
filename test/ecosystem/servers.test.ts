/** Tests of servers of several frameworks over MPTCP, with Node's own client. */
import { describeWith } from '../lab/jest';
import { expectMptcp, node, report, type Scheme, withServer } from './program';

const SERVERS: [server: string, way: string, scheme: Scheme][] = [
  ['node', 'prefer', 'http'],
  ['node', 'prefer', 'https'],
  ['fastify', 'factory', 'http'],
  ['fastify', 'factory', 'https'],
  ['fastify', 'enable', 'http'],
  ['fastify', 'enable', 'https'],
  ['express', 'import', 'http'],
  ['express', 'import', 'https'],
  ['express', 'enable', 'http'],
];

describeWith('servers over MPTCP', ['mptcp'], () => {
  test.each(SERVERS)('%s (%s) speaks MPTCP by %s', async (name, way, scheme) => {
    await withServer(node(`servers/${name}.mjs`, [way, scheme]), async (port) => {
      const client = node('clients/node.mjs', ['mptcp/', `${scheme}://127.0.0.1:${port}`]);
      expectMptcp(await report(client));
    });
  });

  test('a server on :: speaks MPTCP to clients of both families', async () => {
    await withServer(node('servers/fastify.mjs', ['factory', 'http', '::']), async (port) => {
      for (const host of ['127.0.0.1', '[::1]']) {
        const client = node('clients/node.mjs', ['mptcp/', `http://${host}:${port}`]);
        expectMptcp(await report(client));
      }
    });
  });

  test('a plain TCP client of a server over MPTCP is a fallback', async () => {
    await withServer(node('servers/fastify.mjs', ['factory', 'http']), async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      expect(await answer.json()).toEqual({ status: 'fallback', serverSide: true });
    });
  });
});
