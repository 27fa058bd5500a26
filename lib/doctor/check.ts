/** What a check is, and how a finding is written. */
import type { Evidence, Finding, Severity } from './report';
import type { State } from './state';

/** A fault without the name of its check. */
export interface Fault {
  severity: Severity;
  message: string;
  /** What was read, by name; undefined values are left out. */
  evidence: Readonly<Record<string, Evidence['value'] | undefined>>;
  mend?: string | undefined;
}

/** A check: a pure function of what it reads, which may rely on the checks that it needs. */
export interface Check<Read extends keyof State = keyof State> {
  /** A stable name, which is never used for another check. */
  id: string;
  /** What the check is about. */
  title: string;
  /** The checks without whose success this one cannot judge: an error of theirs skips it. */
  needs: readonly string[];
  /** The parts of the state that it judges. */
  reads: readonly Read[];
  judge(state: Readonly<Pick<State, Read>>): Fault[];
}

/** Declares a check; its judge gets the parts of the state that it reads, and no others. */
export const check = <Read extends keyof State>(definition: Check<Read>): Check => definition;

/** The finding of a check. */
export function findingOf({ id }: Check, { severity, message, evidence, mend }: Fault): Finding {
  return {
    ...{ id, severity, message },
    evidence: Object.entries(evidence).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value }],
    ),
    ...(mend !== undefined && { mend }),
    link: `docs/doctor.md#${id.toLowerCase()}`,
  };
}
