/** Tests that docs/kernels.md says what the kernels' reports say. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  columnOf,
  DOCUMENT,
  mergeReport,
  readOutcomes,
  REPORTS,
  withTables,
} from '../../kernels/outcomes';
import type { Report } from '../../kernels/report';
import { run } from '../../lab/namespace';

const document = readFileSync(DOCUMENT, 'utf8');

test('its tables are those of the outcomes', () => {
  const input = withTables(document, readOutcomes());
  const prettier = [require.resolve('prettier/bin/prettier.cjs'), '--stdin-filepath', DOCUMENT];
  expect(document).toBe(run(process.execPath, prettier, { input }));
});

const names = existsSync(REPORTS) ? readdirSync(REPORTS) : [];
const reports = names
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(REPORTS, name), 'utf8')) as Report);

test('each report on this machine says the same', () => {
  const outcomes = readOutcomes();
  for (const report of reports) {
    const key = columnOf(report);
    const rows = (of: typeof outcomes) => new Set(of[key]?.rows.map((row) => JSON.stringify(row)));
    expect([key, rows(mergeReport(outcomes, report))]).toEqual([key, rows(outcomes)]);
  }
});
