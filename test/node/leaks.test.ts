import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describeWith } from '../lab/jest';
import { nodes } from './nodes';

const SCRIPT = join(__dirname, '..', 'leaks', 'connections.js');

describeWith('10,000 connections opened, failed, aborted and destroyed', ['mptcp'], () => {
  test.each(nodes())(
    'leak neither descriptors nor memory: $name',
    ({ path }) => {
      const leaked = JSON.parse(
        execFileSync(path, ['--expose-gc', SCRIPT, '10000'], { encoding: 'utf8' }),
      ) as { connections: number; files: number };
      expect(leaked).toMatchObject({ files: 0 });
      expect(leaked.connections).toBeGreaterThanOrEqual(10_000);
    },
    300_000,
  );
});
