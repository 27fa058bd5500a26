/** Tests of apps without any MPTCP code, with the preload alone. */
import { join } from 'node:path';
import { describeWith } from '../lab/jest';
import type { Process } from '../lab/process';
import { node } from './program';

const APPS: [app: string, client: string][] = [
  ['fastify.mjs', 'node'],
  ['express.cjs', 'node'],
  ['ws.mjs', 'ws'],
];

const REPORT_ACCEPTED = join(__dirname, 'unmodified', 'report-accepted.mjs');

async function withApp(
  app: string,
  env: NodeJS.ProcessEnv,
  use: (origin: string, server: Process) => Promise<void>,
): Promise<void> {
  const NODE_OPTIONS = `--import mptcp/register --import ${REPORT_ACCEPTED}`;
  const server = node(`unmodified/${app}`, [], { NODE_OPTIONS, ...env });
  try {
    const [origin] = await server.line(/^http:.*/);
    await use(origin, server);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  } finally {
    await server.kill('SIGKILL');
  }
}

describeWith('unmodified apps with the preload', ['mptcp'], () => {
  test.each(APPS)('%s speaks MPTCP', async (app, client) => {
    await withApp(app, {}, async (origin, server) => {
      const report: unknown = JSON.parse(
        await node(`clients/${client}.mjs`, ['mptcp/', origin]).success(),
      );
      expect(report).toMatchObject({
        server: expect.arrayContaining([{ hello: 'world' }]) as unknown,
        client: [{ status: 'mptcp' }],
        echoed: true,
      });
      expect(await server.json()).toEqual({ accepted: 'mptcp' });
    });
  });

  test.each(APPS)('%s falls back for a client without MPTCP', async (app, client) => {
    await withApp(app, {}, async (origin, server) => {
      const report: unknown = JSON.parse(
        await node(`clients/${client}.mjs`, ['node:', origin]).success(),
      );
      expect(report).toMatchObject({ client: [], echoed: true });
      expect(await server.json()).toEqual({ accepted: 'fallback' });
    });
  });

  test('NODE_MPTCP=mode=off leaves an app with TCP', async () => {
    await withApp('fastify.mjs', { NODE_MPTCP: 'mode=off' }, async (origin, server) => {
      const report: unknown = JSON.parse(
        await node('clients/node.mjs', ['mptcp/', origin]).success(),
      );
      expect(report).toMatchObject({ client: [{ status: 'fallback' }], echoed: true });
      expect(server.stdout.trim()).toBe(origin);
    });
  });
});
