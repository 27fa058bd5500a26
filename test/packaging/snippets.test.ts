/**
 * Tests that the programs and fragments in README.md and docs/ parse on every Node.js that the package
 * supports, and that those in TypeScript have no type errors.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './temporary-folder';

/** What fragments use without a declaration of their own. */
const AMBIENT = `
import type { PathManager } from 'mptcp';
import type { RequestListener } from 'node:http';
declare global {
  const app: RequestListener;
  const pathManager: PathManager;
  const pm: PathManager;
}
`;

interface Snippet {
  page: string;
  line: number;
  language: 'js' | 'ts';
  text: string;
}

const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
const snippets = ['README.md', ...docs.map((name) => `docs/${name}`)].flatMap((page): Snippet[] => {
  const content = readFileSync(join(ROOT, page), 'utf8');
  return [...content.matchAll(/^```(js|ts)\n(.*?)^```$/gms)].map(
    ({ index, 1: language, 2: text = '' }) => ({
      page,
      line: content.slice(0, index).split('\n').length,
      language: language as Snippet['language'],
      text,
    }),
  );
});

const titled = (language: Snippet['language']): [string, Snippet][] =>
  snippets
    .filter((each) => each.language === language)
    .map((each) => [`${each.page}:${each.line}`, each]);

let folder: string;
// Inside the repository, where the package can be imported by its own name.
beforeAll(() => {
  mkdirSync(join(ROOT, 'out'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'out', 'snippets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 100_000,
  });
  if (status !== 0) throw new Error(stdout + stderr);
}

test.each(snippets.map((each) => [`${each.page}:${each.line}`, each] as const))(
  '%s needs no syntax that Node.js 20 lacks',
  (_title, { text }) => {
    expect(text).not.toMatch(/^\s*(?:await )?using \w+ =/m); // Node.js 24 would parse it
  },
);

test.each(titled('js'))('%s parses', (_title, { text }) => {
  const isCommonJs = text.includes('module.exports');
  const file = join(folder, isCommonJs ? 'snippet.cjs' : 'snippet.mjs');
  writeFileSync(file, text);
  run('--check', file);
});

test('the snippets in TypeScript have no type errors', () => {
  const names = titled('ts').map(([title, { text }]) => {
    const name = `${title.replace(/\W/g, '-')}.mts`;
    writeFileSync(join(folder, name), `${text}\nexport {};\n`);
    return name;
  });
  writeFileSync(join(folder, 'ambient.mts'), AMBIENT);
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--types', 'node'];
  const target = ['--module', 'node16', '--target', 'es2022', '--ignoreConfig'];
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  run(tsc, ...options, ...target, 'ambient.mts', ...names);
});
