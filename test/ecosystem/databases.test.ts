/** Tests of clients of real databases, which speak plain TCP: everything works as a fallback. */
import { describeWith } from '../lab/jest';
import { withPostgres, withRedis } from './databases';
import { node, PRELOAD } from './program';

const WAYS: [way: string, modules: string, env: NodeJS.ProcessEnv][] = [
  ['with the modules', 'mptcp/', {}],
  ['with the preload', 'node:', PRELOAD],
];

async function run(client: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  return JSON.parse(await node(`clients/${client}.mjs`, args, env).success());
}

describeWith('PostgreSQL', ['mptcp', 'postgres'], () => {
  const expected = {
    status: 'fallback',
    client: ['fallback'],
    echoed: true,
    notified: 'payload',
    reused: true,
    wrong: '42703',
    refused: 'ECONNREFUSED',
  };

  test.each(WAYS)('works with pg, %s', async (_way, modules, env) => {
    await withPostgres(async (port) => {
      const url = `postgres://app@127.0.0.1:${port}/postgres`;
      expect(await run('pg', [modules, url], env)).toEqual(expected);
      expect(await run('pg', [modules, `${url}?sslmode=verify-full`], env)).toEqual(expected);
    });
  });

  test('is refused by pg that requires MPTCP', async () => {
    await withPostgres(async (port) => {
      const url = `postgres://app@127.0.0.1:${port}/postgres`;
      expect(await run('pg', ['mptcp/', url, '0', 'require'])).toEqual({
        connected: 'ERR_MPTCP_FALLBACK',
      });
    });
  });
});

describeWith('Redis', ['mptcp', 'redis-server'], () => {
  test.each(WAYS)('works with ioredis, %s', async (_way, modules, env) => {
    await withRedis(async (port) => {
      expect(await run('redis', [modules, `redis://127.0.0.1:${port}`], env)).toEqual({
        status: 'fallback',
        client: ['fallback', 'fallback'],
        echoed: true,
        piped: [
          [null, 1],
          [null, 2],
        ],
        notified: 'payload',
        refused: 'ECONNREFUSED',
      });
    });
  });
});
