/** Tests that every example runs, prints the expected lines, and ends by itself. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeKernel, describeWith } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { withPostgres, withRedis } from './databases';
import { node } from './program';

const OUTPUT: Record<string, string[]> = {
  'axios.mjs': ['client: mptcp', 'server: mptcp'],
  'enable.mjs': ['client: mptcp', '{"server":"mptcp"}'],
  'express.mjs': ['client: mptcp', '{"server":"mptcp"}'],
  'fastify.mjs': ['client: mptcp', '{"server":"mptcp"}'],
  'http2.mjs': ['client: mptcp', 'server: mptcp'],
  'net.mjs': ['client: mptcp', 'echo: hello', 'server: mptcp', 'subflow: 127.0.0.1 -> 127.0.0.1'],
  'policy.mjs': ['client: mptcp', 'echo: hello'],
  'undici.mjs': ['ERR_MPTCP_FALLBACK', 'server: mptcp'],
  'ws.mjs': ['client: mptcp', 'echo of hello', 'server: mptcp'],
};
const DATABASES = ['pg.mjs', 'redis.mjs'];
/** It changes a setting of the network namespace, so it runs in a new one. */
const LOAD_BALANCED = 'load-balanced.mjs';

async function lines(example: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const output = await node(`../../examples/${example}`, [], env).success();
  return output.trim().split('\n').sort();
}

test('every example is tested here', () => {
  const examples = readdirSync(join(__dirname, '..', '..', 'examples'));
  const programs = examples.filter((name) => name.endsWith('.mjs')).sort();
  expect(programs).toEqual([...Object.keys(OUTPUT), ...DATABASES, LOAD_BALANCED].sort());
});

describeWith('the example', ['mptcp'], () => {
  test.each(Object.entries(OUTPUT))(
    '%s prints the status of its connections',
    async (example, expected) => {
      expect(await lines(example)).toEqual(expected);
    },
  );
});

describeKernel('the example that changes settings', {}, () => {
  test(`${LOAD_BALANCED} restores them`, async () => {
    await using host = new Namespace('server');
    host.ip('address', 'add', '10.9.0.1/32', 'dev', 'lo');
    const example = join(__dirname, '..', '..', 'examples', LOAD_BALANCED);
    const env = { ...process.env, OWN_ADDRESS: '10.9.0.1' };
    const output = await host.spawn(process.execPath, [example], { env }).success();
    expect(output.trim().split('\n')).toEqual([
      ...['announced: 10.9.0.1', 'joins elsewhere: false', 'answer: hello'],
    ]);
    expect(host.sysctl('net.mptcp.allow_join_initial_addr_port')).toBe('1');
  });
});

describeWith('the example with PostgreSQL', ['mptcp', 'postgres'], () => {
  test('pg.mjs prints the status of its connection', async () => {
    await withPostgres(async (port) => {
      const env = {
        PGHOST: '127.0.0.1',
        PGPORT: String(port),
        PGUSER: 'app',
        PGDATABASE: 'postgres',
      };
      expect(await lines('pg.mjs', env)).toEqual(['answer: 42', 'client: fallback']);
    });
  });
});

describeWith('the example with Redis', ['mptcp', 'redis-server'], () => {
  test('redis.mjs prints the status of its connection', async () => {
    await withRedis(async (port) => {
      const env = { REDIS_URL: `redis://127.0.0.1:${port}` };
      expect(await lines('redis.mjs', env)).toEqual(['answer: 42', 'client: fallback']);
    });
  });
});
