/** Tests how kernels are chosen, and how the reports of their tests are made. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseRelease } from '../../kernels/debian-kernels';
import { makeReport } from '../../kernels/report';
import { skippedFor, withReasons } from '../../lab/skipped';

const RELEASES = [
  '6.1.0-47-cloud-amd64',
  '6.1.0-50-cloud-amd64',
  '6.12.107+deb13-cloud-amd64',
  '6.12.9+deb13-cloud-amd64',
  '7.3.4+deb13-cloud-amd64',
];

test.each([
  ['6.1', '6.1.0-50-cloud-amd64'],
  ['6.12', '6.12.107+deb13-cloud-amd64'],
  ['6.12.9', '6.12.9+deb13-cloud-amd64'],
  ['newest', '7.3.4+deb13-cloud-amd64'],
  ['6', '6.12.107+deb13-cloud-amd64'],
  ['5.10', undefined],
])('the kernel %s is %s', (name, release) => {
  expect(chooseRelease(name, RELEASES)).toBe(release);
});

test('the name of a skipped test says what was missing', () => {
  const outer = withReasons('endpoints', ['the kernel lacks laminar: it drops this', 'no nft']);
  expect(skippedFor(`${outer} are listed`)).toEqual([
    'the kernel lacks laminar: it drops this',
    'no nft',
  ]);
  expect(skippedFor('endpoints are listed')).toEqual([]);
});

test('a report counts tests, and skipped ones by what they lacked', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mptcp-report-'));
  try {
    const files = { results: join(folder, 'results'), rows: join(folder, 'rows'), root: '/root' };
    const result = (fullName: string, status: string, ...failureMessages: string[]) => ({
      ...{ fullName, status, failureMessages },
    });
    const testResults = [
      {
        ...{ name: '/root/test/a.test.ts', message: '' },
        assertionResults: [
          result('one', 'passed'),
          result('two', 'failed', 'why'),
          result(withReasons('three', ['no nft']), 'pending'),
          result(withReasons('four', ['no nft']), 'pending'),
        ],
      },
      { name: '/root/test/b.test.ts', message: 'does not compile', assertionResults: [] },
    ];
    writeFileSync(files.results, JSON.stringify({ testResults }));
    const row = { part: 'Hints', subject: 'mark', outcome: 'works' };
    writeFileSync(files.rows, `${JSON.stringify(row)}\n`);
    const kernel = { release: '6.1.0-50-cloud-amd64', version: '6.1.176-1' };
    expect(makeReport('6.1', kernel, files)).toMatchObject({
      ...{ name: '6.1', ...kernel, passed: 1 },
      failed: { 'test/a.test.ts: two': 'why', 'test/b.test.ts': 'does not compile' },
      skipped: { 'no nft': 2 },
      rows: [row],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
