import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Node {
  /** 'Node.js v22.1.0'. */
  name: string;
  path: string;
}

/** Not among the package's own dependencies, because npm would run its scripts with one of these. */
const FOLDER = join(__dirname, 'nodes');

function nodeAt(path: string): Node {
  const { error, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (error) throw error;
  return { name: `Node.js ${stdout.trim()}`, path };
}

/** The versions that npm has for this processor, except the major version that runs the tests. */
const others = [22, 24]
  .filter((major) => process.arch === 'x64' && !process.version.startsWith(`v${major}.`))
  .map((major) => join(FOLDER, 'node_modules', `node${major}`, 'bin', 'node'));

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
