/** The report of one kernel: its tests, what they lacked, and the rows that they recorded. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type Row, readRows } from '../lab/rows';
import { skippedFor } from '../lab/skipped';
import type { Kernel } from './debian-kernels';

/** What jest's --json writes, as far as it is used here. */
interface JestResults {
  testResults: {
    name: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

export interface Report {
  /** What the kernel is called on the command line: '6.1', 'newest'. */
  name: string;
  /** What `uname -r` prints. */
  release: string;
  /** Debian's version of the package. */
  version: string;
  /** When the tests ended, as ISO 8601. */
  date: string;
  passed: number;
  /** The names of tests that failed, with why. */
  failed: Record<string, string>;
  /** The number of skipped tests by what they lacked. */
  skipped: Record<string, number>;
  rows: Row[];
}

/** Reads what jest and its tests have left. */
export function makeReport(
  name: string,
  { release, version }: Pick<Kernel, 'release' | 'version'>,
  files: { results: string; rows: string; root: string },
): Report {
  const report: Report = {
    ...{ name, release, version, date: new Date().toISOString() },
    ...{ passed: 0, failed: {}, skipped: {}, rows: readRows(files.rows) },
  };
  if (!existsSync(files.results)) throw new Error('jest ended before it wrote its results');
  const { testResults } = JSON.parse(readFileSync(files.results, 'utf8')) as JestResults;
  for (const { name: path, message, assertionResults } of testResults) {
    const file = relative(files.root, path);
    if (assertionResults.length === 0) report.failed[file] = message;
    for (const { fullName, status, failureMessages } of assertionResults) {
      if (status === 'passed') report.passed++;
      else if (status === 'failed')
        report.failed[`${file}: ${fullName}`] = failureMessages.join('\n');
      else
        for (const need of skippedFor(fullName))
          report.skipped[need] = (report.skipped[need] ?? 0) + 1;
    }
  }
  return report;
}
