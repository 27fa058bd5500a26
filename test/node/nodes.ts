/** The versions of Node.js to test with: the one that runs the tests, and others that npm has. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Node {
  /** 'Node.js v22.1.0'. */
  name: string;
  path: string;
  /** Whether all tests run with it, and not a few alone. */
  complete: boolean;
}

/** Not among the package's own dependencies, because npm would run its scripts with one of these. */
const FOLDER = join(__dirname, 'nodes');

/** The first has a few tests alone: the versions before and after it have all of them. */
const MAJORS = [22, 24, 26];

function nodeAt(path: string): Node {
  const { error, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (error) throw error;
  const version = stdout.trim();
  const complete = path === process.execPath || !version.startsWith('v22.');
  return { name: `Node.js ${version}`, path, complete };
}

/** The versions that npm has for this processor, except the major version that runs the tests. */
const others = MAJORS.filter(
  (major) => process.arch === 'x64' && !process.version.startsWith(`v${major}.`),
).map((major) => join(FOLDER, 'node_modules', `node${major}`, 'bin', 'node'));

/** jest's globalSetup for the tests of this folder. */
export default function installNodes(): void {
  if (others.every(existsSync)) return;
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: 'inherit',
  });
  if (status !== 0)
    throw new Error('npm could not install the other Nodes to test with, see above');
}

/** The Node.js that runs the tests, and the others. */
export const nodes = (): Node[] => [process.execPath, ...others].map(nodeAt);
