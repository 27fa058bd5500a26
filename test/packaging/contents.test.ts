/** Tests that what the files of the package refer to is in the package too. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT } from './temporary-folder';

const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
  cwd: ROOT,
  encoding: 'utf8',
});
const [packed] = JSON.parse(stdout) as [{ files: { path: string }[] }];
const files = packed.files.map(({ path }) => path);
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The relative links of a page, resolved; a link within the page is none. */
function linksOf(page: string): string[] {
  const text = read(page).replace(/^ *```.*?^ *```|`[^`\n]*`/gms, '');
  return [...text.matchAll(/\]\((?!\w+:|#)([^)#]+)/g)].map(([, link = '']) =>
    posix.join(posix.dirname(page), link),
  );
}

const pages = files.filter((file) => file.endsWith('.md'));

test.each(pages)('the links of %s lead into the package', (page) => {
  expect(linksOf(page).filter((link) => !files.includes(link))).toEqual([]);
});

test('the pages that declarations and messages name are in the package', () => {
  const texts = files.filter((file) => /\.(d\.ts|d\.mts|js|mjs|cjs)$/.test(file));
  const missing = texts.flatMap((file) =>
    [...read(file).matchAll(/\b(?:docs|examples)\/[\w./-]+\.(?:md|mjs|ts)/g)]
      .map(([page]) => page)
      .filter((page) => !files.includes(page))
      .map((page) => `${file}: ${page}`),
  );
  expect(missing).toEqual([]);
});

test('README.md links to pages and examples', () => {
  expect(linksOf('README.md')).toEqual(
    expect.arrayContaining(['docs/bundlers.md', 'docs/hints.md', 'examples/README.md']),
  );
});
