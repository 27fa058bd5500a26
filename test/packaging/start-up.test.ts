/** Tests that a program loads only the modules that it uses: bench/start-up.ts measures what they cost. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describeWith } from '../lab/jest';
import { ROOT } from './temporary-folder';

const LIST_MODULES = join(ROOT, 'bench', 'peers', 'list-modules.cjs');
const MOST_AT_START = 35;
const MOST_FOR_COMMAND = 25;

/** Runs Node.js with these arguments, and returns the files of dist/ that it loads. */
function loadedBy(...args: string[]): string[] {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--require', LIST_MODULES, ...args],
    { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env.PATH }, timeout: 60_000 },
  );
  if (status !== 0) throw new Error(stderr);
  const { modules } = JSON.parse(stdout) as { modules: string[] };
  expect(modules).not.toEqual([]);
  return modules;
}

test.each([
  ["require('mptcp/net')", ['-e', "require('mptcp/net')"]],
  ['--require mptcp/register', ['--require', 'mptcp/register', '-e', '0']],
])('%s loads few modules, and none of policies, events or connections', (_name, args) => {
  const modules = loadedBy(...args);
  expect(modules.length).toBeLessThanOrEqual(MOST_AT_START);
  expect(modules.filter((file) => /^(?:policy|events|connection)\//.test(file))).toEqual([]);
});

describeWith('a command of the path manager', ['mptcp'], () => {
  test('loads few modules', () => {
    const program = `
      require('mptcp').PathManager.open().then(async (pm) => {
        await pm.limits.get();
        await pm.close();
      });`;
    expect(loadedBy('-e', program).length).toBeLessThanOrEqual(MOST_FOR_COMMAND);
  });
});
