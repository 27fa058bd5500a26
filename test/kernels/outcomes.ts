/**
 * The outcomes of all kernels, which are in outcomes.json, and docs/kernels.md, whose tables are made
 * of them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../lab/rows';
import type { Report } from './report';

const ROOT = join(__dirname, '..', '..');
export const OUTCOMES = join(__dirname, 'outcomes.json');
export const DOCUMENT = join(ROOT, 'docs', 'kernels.md');
export const REPORTS = join(ROOT, 'out', 'kernels', 'reports');

const BEGIN = '<!-- The tables are made by npm run docs:kernels. -->\n';
const END = '<!-- end of the tables -->\n';

/** What is known of one kernel. */
type Column = Pick<Report, 'release' | 'version' | 'date' | 'rows'>;

/** By the version's first two numbers, such as '6.1'. */
export type Outcomes = Record<string, Column>;

export const readOutcomes = (): Outcomes => JSON.parse(readFileSync(OUTCOMES, 'utf8')) as Outcomes;

/** The name of a kernel's column. */
export const columnOf = ({ release }: Pick<Report, 'release'>): string =>
  /^\d+\.\d+/.exec(release)![0];

const isSame = (one: Row, other: Row): boolean =>
  one.part === other.part && one.subject === other.subject;

/** Replaces what a report has found out. */
export function mergeReport(outcomes: Outcomes, report: Report): Outcomes {
  const { release, version, date, rows } = report;
  if (rows.length === 0) return outcomes;
  const name = columnOf(report);
  const kept = (outcomes[name]?.rows ?? []).filter(
    (row) => !rows.some((each) => isSame(each, row)),
  );
  return { ...outcomes, [name]: { release, version, date, rows: [...kept, ...rows] } };
}

const byVersion = (one: string, other: string): number =>
  one.localeCompare(other, 'en', { numeric: true });

function cell(row: Row | undefined): string {
  if (!row) return 'not tried';
  const outcome = row.outcome.startsWith('ERR_') ? `\`${row.outcome}\`` : row.outcome;
  return row.remark === undefined ? outcome : `${outcome}: ${row.remark}`;
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;

/** The tables, one for each part. */
export function tables(outcomes: Outcomes): string {
  const kernels = Object.keys(outcomes).sort(byVersion);
  const releases = kernels.map((name) => [
    name,
    outcomes[name]!.release,
    outcomes[name]!.date.slice(0, 10),
  ]);
  const rows = kernels.flatMap((name) => outcomes[name]!.rows);
  const parts = [...new Set(rows.map(({ part }) => part))].sort();
  const runs = `${line(['Kernel', 'Release', 'Run on'])}${line(['---', '---', '---'])}${releases.map(line).join('')}`;
  const sections = parts.map((part) => {
    const subjects = [
      ...new Set(rows.filter((row) => row.part === part).map(({ subject }) => subject)),
    ].sort();
    const head = line([part, ...kernels]) + line(['---', ...kernels.map(() => '---')]);
    const body = subjects.map((subject) =>
      line([
        `\`${subject}\``,
        ...kernels.map((name) =>
          cell(outcomes[name]!.rows.find((row) => row.part === part && row.subject === subject)),
        ),
      ]),
    );
    return `## ${part}\n\n${head}${body.join('')}`;
  });
  return [runs, ...sections].join('\n');
}

/** The document with these tables. */
export function withTables(document: string, outcomes: Outcomes): string {
  const [before = '', rest = ''] = document.split(BEGIN);
  const [, after = ''] = rest.split(END);
  return `${before}${BEGIN}\n${tables(outcomes)}\n${END}${after}`;
}
