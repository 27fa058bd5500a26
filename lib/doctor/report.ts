/** What doctor() is asked for and what it reports: plain objects, as JSON.stringify() writes them. */
import type { Abortable } from '../base/abort';

/** What doctor() examines. */
export interface DoctorOptions extends Abortable {
  /**
   * The network namespace, by default the process's own: a name of `ip netns`, or a path with a slash
   * such as /proc/1234/ns/net. Another one needs CAP_SYS_ADMIN.
   */
  netns?: string;
  /** A process to examine too; unless `netns` is given, its network namespace is examined. */
  pid?: number;
  /**
   * What this host does (default: a server if an MPTCP socket listens, and a client if it has
   * connected or does not listen).
   */
  role?: 'client' | 'server';
  /**
   * Numeric addresses of peers that routes are to lead to (default: those of the connections that
   * exist, else an address that only a default route leads to).
   */
  peers?: readonly string[];
}

/** How much a finding matters: MPTCP does not work, works worse than it could, or is as it is. */
export type Severity = 'error' | 'warning' | 'info';

/** Something that was read, by the name under which anybody can read it. */
export interface Evidence {
  /** Such as 'net.mptcp.enabled' or 'MPTcpExtBlackhole'. */
  name: string;
  /** The value as it was read. */
  value: string | number | boolean;
}

/** A fault, or something that is good to know. */
export interface Finding {
  /** A stable name, such as 'MPD103'. */
  id: string;
  /** How much it matters. */
  severity: Severity;
  /** A sentence that says what is wrong, and what comes of it. */
  message: string;
  /** What was read. */
  evidence: Evidence[];
  /** A command line that can be pasted into a shell; undefined where no command mends it. */
  mend?: string;
  /** The section of the documentation. */
  link: string;
}

/** A check that could not be made. */
export interface SkippedCheck {
  /** The check. */
  id: string;
  /** The check whose finding is the reason; undefined where something could not be read. */
  because?: string;
  /** The reason, in words. */
  reason: string;
}

/** A check and what came of it. */
export interface CheckResult {
  /** The check. */
  id: string;
  /** What the check is about. */
  title: string;
  /** Nothing was found, something was, or the check could not be made. */
  result: 'ok' | 'found' | 'skipped';
}

/** What doctor() reports. */
export interface DoctorReport {
  /** What was found, in the order of the checks. */
  findings: Finding[];
  /** What could not be judged. */
  skipped: SkippedCheck[];
  /** Every check. */
  checks: CheckResult[];
}

/** What bugReport() returns: all that doctor() has read, without addresses and names. */
export interface BugReport {
  /** The versions of this package, of Node.js and of the kernel, and the architecture. */
  versions: Readonly<Record<string, string>>;
  /** The report of doctor(). */
  report: DoctorReport;
  /** What was read, by parts. Their form may change with each version. */
  state: Readonly<Record<string, unknown>>;
  /** Why other parts could not be read. */
  unread: Readonly<Record<string, string>>;
}
