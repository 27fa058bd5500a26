/** HTTP clients of every library, with this package's modules and with the preload. */
import { describeWith } from '../lab/jest';
import { expectMptcp, node, PRELOAD, report, type Scheme, withServer } from './program';

type Row = [client: string, scheme: Scheme, server: string];

const CLIENTS: Row[] = [
  ['node', 'http', 'node'],
  ['node', 'https', 'node'],
  ['axios', 'http', 'node'],
  ['axios', 'https', 'node'],
  ['got', 'http', 'node'],
  ['got', 'https', 'node'],
  ['undici', 'http', 'node'],
  ['undici', 'https', 'node'],
  ['undici-h2', 'https', 'http2'],
  ['http2', 'http', 'http2'],
  ['http2', 'https', 'http2'],
];

const PRELOAD_ONLY: Row[] = [
  ['fetch', 'http', 'node'],
  ['fetch', 'https', 'node'],
];

async function expectMptcpFrom(
  [client, scheme, server]: Row,
  modules: 'mptcp/' | 'node:',
  env?: NodeJS.ProcessEnv,
): Promise<void> {
  await withServer(node(`servers/${server}.mjs`, ['prefer', scheme]), async (port) => {
    const args = [modules, `${scheme}://127.0.0.1:${port}`];
    expectMptcp(await report(node(`clients/${client}.mjs`, args, env)));
  });
}

describeWith('clients over MPTCP', ['mptcp'], () => {
  test.each(CLIENTS)('%s by %s', (...row) => expectMptcpFrom(row, 'mptcp/'));

  test.each([...CLIENTS, ...PRELOAD_ONLY])('%s by %s, with the preload', (...row) =>
    expectMptcpFrom(row, 'node:', PRELOAD),
  );

  test.each(['http', 'https'] as const)(
    'that require it reject a %s server without',
    async (scheme) => {
      await withServer(node('servers/node.mjs', ['off', scheme]), async (port) => {
        const client = node('clients/require.mjs', ['mptcp/', `${scheme}://127.0.0.1:${port}`]);
        const code = 'ERR_MPTCP_FALLBACK';
        expect(JSON.parse(await client.success())).toEqual({
          ...{
            node: code,
            axios: code,
            got: code,
            undici: code,
            fetch: code,
            http2: code,
            ws: code,
          },
        });
      });
    },
  );

  const ABORTING: [scheme: Scheme, modules: string, env: NodeJS.ProcessEnv][] = [
    ['http', 'mptcp/', {}],
    ['https', 'mptcp/', {}],
    ['https', 'node:', PRELOAD],
  ];

  test.each(ABORTING)('that leave a body of %s early, modules %s', async (scheme, modules, env) => {
    await withServer(node('servers/node.mjs', ['prefer', scheme]), async (port, server) => {
      const args = [modules, `${scheme}://127.0.0.1:${port}`];
      const client = node('clients/abort.mjs', args, env);
      for (const library of ['axios', 'got', 'undici']) {
        expect(await client.json()).toHaveProperty(library);
        // Long before the 60 s of net.mptcp.close_timeout.
        expect(await server.json()).toMatchObject({
          left: expect.stringMatching(/^(ERR_STREAM_PREMATURE_CLOSE|ECONNRESET|EPIPE)$/) as string,
          status: 'mptcp',
        });
      }
      client.stdin.end();
      await client.success();
    });
  });
});
