/** Tests that each program in README.md runs, prints what its comments say, and ends by itself. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../lab/jest';
import { ROOT } from './temporary-folder';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const programs = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, program = '']) => program);
const heading = (program: string): string =>
  /.*^## (.+?)$/ms.exec(readme.slice(0, readme.indexOf(program)))?.[1] ?? '';

describeWith('README.md', ['mptcp'], () => {
  let folder: string;
  // Inside the repository, where the package can be imported by its own name.
  beforeAll(() => {
    mkdirSync(join(ROOT, 'out'), { recursive: true });
    folder = mkdtempSync(join(ROOT, 'out', 'readme-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(programs.map((program, index) => [index + 1, heading(program), program] as const))(
    'program %i, of %j, runs as it stands',
    (index, _heading, program) => {
      const file = join(folder, `${index}.mjs`);
      writeFileSync(file, program);
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const expected = [...program.matchAll(/\/\/ -> (.+)$/gm)].map(([, text]) => text);
      if (expected.length > 0) expect(stdout.trim().split('\n')).toEqual(expected);
    },
  );
});
