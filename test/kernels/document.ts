/**
 * Puts what the reports in out/kernels/reports have found out into outcomes.json and docs/kernels.md.
 *
 *   npm run docs:kernels
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lab/namespace';
import { DOCUMENT, mergeReport, OUTCOMES, readOutcomes, REPORTS, withTables } from './outcomes';
import type { Report } from './report';

const names = existsSync(REPORTS)
  ? readdirSync(REPORTS).filter((name) => name.endsWith('.json'))
  : [];
const outcomes = names
  .map((name) => JSON.parse(readFileSync(join(REPORTS, name), 'utf8')) as Report)
  .reduce(mergeReport, readOutcomes());
writeFileSync(OUTCOMES, JSON.stringify(outcomes));
writeFileSync(DOCUMENT, withTables(readFileSync(DOCUMENT, 'utf8'), outcomes));
run('npx', ['prettier', '--write', OUTCOMES, DOCUMENT]);
