/** Tests with peers that speak MPTCP without this package: nginx and curl under mptcpize. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '../lab/jest';
import { withNginx } from './nginx';
import {
  CERTIFICATE,
  type Described,
  node,
  report,
  type Scheme,
  start,
  withServer,
} from './program';

describeWith('nginx with MPTCP', ['mptcp', 'nginx', 'mptcpize'], () => {
  const CLIENTS: [client: string, scheme: Scheme][] = [
    ['node', 'http'],
    ['node', 'https'],
    ['undici', 'http'],
    ['undici-h2', 'https'],
    ['http2', 'https'],
  ];

  const viaNginx = (server: string, use: Parameters<typeof withNginx>[1]): Promise<void> =>
    withServer(node(`servers/${server}.mjs`, ['prefer', 'http']), (port) => withNginx(port, use));

  test.each(CLIENTS)(
    'works between a client (%s by %s) and a server of ours',
    async (client, scheme) => {
      await viaNginx('node', async (ports) => {
        const args = ['mptcp/', `${scheme}://127.0.0.1:${ports[scheme]}`];
        const { server, ...rest } = await report(node(`clients/${client}.mjs`, args));
        const described = {
          status: 'mptcp',
          serverSide: true,
          token: expect.any(Number) as number,
        };
        expect(server).toEqual([described, described]);
        expect(rest).toMatchObject({ client: [{ status: 'mptcp' }], echoed: true });
      });
    },
  );

  test.each(['http', 'https'] as const)(
    'forwards an upgrade by %s to a WebSocket',
    async (scheme) => {
      await viaNginx('ws', async (ports) => {
        const client = node('clients/ws.mjs', ['mptcp/', `${scheme}://127.0.0.1:${ports[scheme]}`]);
        expect(JSON.parse(await client.success())).toMatchObject({
          server: [{ status: 'mptcp' }],
          client: [{ status: 'mptcp' }],
          echoed: true,
          closeCode: 1000,
        });
      });
    },
  );
});

describeWith('curl', ['mptcp', 'curl', 'mptcpize'], () => {
  const SERVERS: [server: string, way: string, scheme: Scheme, options: string[]][] = [
    ['node', 'prefer', 'http', []],
    ['node', 'require', 'https', []],
    ['fastify', 'factory', 'https', []],
    ['express', 'import', 'http', []],
    ['http2', 'import', 'http', ['--http2-prior-knowledge']],
    ['http2', 'import', 'https', ['--http2']],
  ];
  const BODY = randomBytes(2_000_000);
  let folder: string;
  let body: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mptcp-curl-'));
    body = join(folder, 'body');
    writeFileSync(body, BODY);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const OPTIONS = ['-sS', '--fail', '--cacert', CERTIFICATE.cert];

  const mptcpCurl = (...args: string[]): Promise<string> =>
    start('mptcpize', ['run', 'curl', ...OPTIONS, ...args]).success();

  test.each(SERVERS)(
    'speaks MPTCP to a server of %s (%s) by %s %j',
    async (server, way, scheme, options) => {
      await withServer(node(`servers/${server}.mjs`, [way, scheme]), async (port) => {
        const url = `${scheme}://127.0.0.1:${port}`;
        const answer = JSON.parse(await mptcpCurl(...options, url)) as Described;
        expect(answer).toMatchObject({ status: 'mptcp', serverSide: true });

        const echoed = join(folder, 'echoed');
        const type = ['-H', 'content-type: application/octet-stream'];
        await mptcpCurl(
          ...options,
          ...type,
          '--data-binary',
          `@${body}`,
          '-o',
          echoed,
          `${url}/echo`,
        );
        expect(readFileSync(echoed).equals(BODY)).toBe(true);
      });
    },
  );

  test('reuses its MPTCP connection for the next request', async () => {
    await withServer(node('servers/node.mjs', ['prefer', 'https']), async (port) => {
      const url = `https://127.0.0.1:${port}/`;
      const answers = (await mptcpCurl('-w', '\\n', url, url)).trim().split('\n');
      const [first, second] = answers.map((answer) => JSON.parse(answer) as Described);
      expect(first).toMatchObject({ status: 'mptcp' });
      expect(second).toEqual(first);
    });
  });

  test('without MPTCP is a fallback', async () => {
    await withServer(node('servers/node.mjs', ['prefer', 'https']), async (port) => {
      const curl = start('curl', [...OPTIONS, `https://127.0.0.1:${port}/`]);
      const answer = JSON.parse(await curl.success()) as Described;
      expect(answer).toEqual({ status: 'fallback', serverSide: true });
    });
  });

  test('without MPTCP is reset by a server that requires it', async () => {
    await withServer(node('servers/node.mjs', ['require', 'http']), async (port) => {
      const curl = start('curl', ['-sS', `http://127.0.0.1:${port}/`]);
      // The reset arrives while it connects, sends or receives; a clean end would be 52.
      expect([7, 55, 56]).toContain((await curl.exited).code);
    });
  });
});
