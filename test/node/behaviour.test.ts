/**
 * Runs the programs of behaviour/, which use node:test, under each Node.js version with the built
 * package and the same addon: what is Node's behaviour must be ours. The versions run a program at the
 * same time, since most of what it does is to wait.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { certificate } from '../kernel/peers/certificate';
import { type Node, nodes } from './nodes';

const FOLDER = join(__dirname, 'behaviour');
const LONGEST = 300_000; // ms

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.js'));

/** What a version that is not tested completely runs: the entries, sockets, agents and the preload. */
const FEW = ['http.js', 'import.js', 'register.js', 'sockets.js'];

/** The part of a node:test report about the tests that failed. */
function failures(report: string): string {
  return report.split('failing tests:').pop() ?? report;
}

type Output = 'stdout' | 'stderr';

/** Runs a program, and resolves to what failed; undefined: nothing. */
async function failed({ path }: Node, file: string): Promise<string | undefined> {
  const options = {
    timeout: LONGEST,
    maxBuffer: 64 << 20,
    env: { ...process.env, PEER_CERTIFICATE: JSON.stringify(certificate()) },
  };
  const reporter = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
  try {
    await promisify(execFile)(path, ['--expose-gc', ...reporter, join(FOLDER, file)], options);
    return undefined;
  } catch (error) {
    const { code, signal, stdout, stderr } = error as ExecFileException & Record<Output, string>;
    return `${signal ?? `code ${code ?? 0}`}\n${failures(stdout)}${stderr}`;
  }
}

const all = nodes();

describe.each(files)('%s', (file) => {
  const versions = all.filter(({ complete }) => complete || FEW.includes(file));
  const runs = new Map<Node, Promise<string | undefined>>();
  beforeAll(() => {
    for (const node of versions) runs.set(node, failed(node, file));
  });

  test.each(versions)(
    '$name',
    async (node) => {
      const failure = await runs.get(node);
      if (failure !== undefined) throw new Error(failure);
    },
    LONGEST,
  );
});
