/** Tests of WebSockets over MPTCP, by ws: and wss:. */
import { describeWith } from '../lab/jest';
import { type Described, node, PRELOAD, type Scheme, withServer } from './program';

const ROWS: [scheme: Scheme, modules: string, env: NodeJS.ProcessEnv][] = [
  ['http', 'mptcp/', {}],
  ['https', 'mptcp/', {}],
  ['http', 'node:', PRELOAD],
  ['https', 'node:', PRELOAD],
];

describeWith('WebSockets over MPTCP', ['mptcp'], () => {
  test.each(ROWS)('are upgraded by %s, with modules of %s', async (scheme, modules, env) => {
    await withServer(node('servers/ws.mjs', ['prefer', scheme]), async (port) => {
      const client = node('clients/ws.mjs', [modules, `${scheme}://127.0.0.1:${port}`], env);
      const { server, ...rest } = JSON.parse(await client.success()) as { server: Described[] };
      expect(server).toEqual([
        { status: 'mptcp', serverSide: true, token: expect.any(Number) as number },
      ]);
      expect(rest).toEqual({
        client: [{ status: 'mptcp', serverSide: false, subflows: [expect.any(Number)] }],
        echoed: true,
        closeCode: 1000,
        refused: 'ECONNREFUSED',
      });
    });
  });
});
