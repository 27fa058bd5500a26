/** Tests of HTTP clients of several libraries over MPTCP, with this package's modules and the preload. */
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
  test.each(CLIENTS)('%s by %s speaks MPTCP to a server of %s', (...row) =>
    expectMptcpFrom(row, 'mptcp/'),
  );

  test.each([...CLIENTS, ...PRELOAD_ONLY])(
    '%s by %s speaks MPTCP to a server of %s with the preload',
    (...row) => expectMptcpFrom(row, 'node:', PRELOAD),
  );

  test.each(['http', 'https'] as const)(
    'that require MPTCP reject a %s server without it',
    async (scheme) => {
      await withServer(node('servers/node.mjs', ['off', scheme]), async (port) => {
        const client = node('clients/mode-require.mjs', [
          'mptcp/',
          `${scheme}://127.0.0.1:${port}`,
        ]);
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

  test.each(ABORTING)(
    'that abort a body of %s close the connection at once, with modules of %s',
    async (scheme, modules, env) => {
      await withServer(node('servers/node.mjs', ['prefer', scheme]), async (port, server) => {
        const args = [modules, `${scheme}://127.0.0.1:${port}`];
        const client = node('clients/abort.mjs', args, env);
        for (const library of ['axios', 'got', 'undici']) {
          expect(await client.json()).toHaveProperty(library);
          // Without this package the server notices only after net.mptcp.close_timeout, 60 s.
          expect(await server.json()).toMatchObject({
            aborted: expect.stringMatching(
              /^(ERR_STREAM_PREMATURE_CLOSE|ECONNRESET|EPIPE)$/,
            ) as string,
            status: 'mptcp',
          });
        }
        client.stdin.end();
        await client.success();
      });
    },
  );
});
