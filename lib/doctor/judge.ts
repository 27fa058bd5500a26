/** Runs checks in their order over what was read. */
import { type Check, findingOf } from './check';
import type { DoctorReport } from './report';
import type { Reading } from './state';

/** Judges what was read. A check whose needs have failed, or whose reading has, is skipped. */
export function judge(checks: readonly Check[], { state, unread }: Reading): DoctorReport {
  const report: DoctorReport = { findings: [], skipped: [], checks: [] };
  /** The checks on which none can rely, with the check that is the reason. */
  const failed = new Map<string, string>();
  for (const check of checks) {
    const { id, title } = check;
    const because = check.needs.map((need) => failed.get(need)).find((each) => each !== undefined);
    const missing = check.reads.find((part) => state[part] === undefined);
    if (because !== undefined) {
      failed.set(id, because);
      report.skipped.push({ id, because, reason: `${because} must be mended first` });
      report.checks.push({ id, title, result: 'skipped' });
    } else if (missing !== undefined) {
      const reason = unread[missing] ?? `${missing} was not read`;
      report.skipped.push({ id, reason });
      report.checks.push({ id, title, result: 'skipped' });
    } else {
      const faults = check.judge(state as Parameters<Check['judge']>[0]);
      if (faults.some(({ severity }) => severity === 'error')) failed.set(id, id);
      report.findings.push(...faults.map((fault) => findingOf(check, fault)));
      report.checks.push({ id, title, result: faults.length > 0 ? 'found' : 'ok' });
    }
  }
  return report;
}
