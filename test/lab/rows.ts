/**
 * Rows of docs/kernels.md: what a test found out about the kernel that it ran on. `npm run
 * test:kernels` collects them; elsewhere they go nowhere.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** How something is on a kernel: it works, it works another way, it is undefined, or it fails with a code. */
export type Outcome = 'works' | 'works another way' | 'undefined' | `ERR_MPTCP_${string}`;

export interface Row {
  /** The part of the table: 'Commands', 'Hints'. */
  part: string;
  /** What it is about: 'connection.createSubflow({ backup: true })'. */
  subject: string;
  outcome: Outcome;
  /** What a reader has to know: which way it works, for example. */
  remark?: string;
}

/** Records a row, when its test has shown it. */
export function recordRow(row: Row): void {
  const file = process.env.MPTCP_TEST_ROWS;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** The rows that were recorded in a file. */
export function readRows(file: string): Row[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Row);
}
