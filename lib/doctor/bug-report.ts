/** bugReport(): all that doctor() has read and found, for a maintainer, without addresses and names. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, hostname, release } from 'node:os';
import { join } from 'node:path';
import { Anonymizer } from './anonymize';
import { examine } from './doctor';
import type { BugReport, DoctorOptions } from './report';
import type { Reading } from './state';

const versionOf = (): string => {
  const file = join(__dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
};

/** The words of command lines: options of Node.js stay. */
function wordsOf({ state }: Reading): string[] {
  const command = [
    ...(state.process?.command.slice(1) ?? []),
    ...(state.mode?.owner?.command?.split(' ').slice(1) ?? []),
  ];
  return command
    .filter((word) => !/^--?[\w-]+$/.test(word))
    .map((word) => word.replace(/^--?[\w-]+=/, ''));
}

/**
 * Examines what doctor() does, and returns everything that was read, without addresses, the name of
 * this host and the words of command lines: each is replaced by the same text everywhere. Addresses
 * keep their first 8 bits (IPv4) or 16 bits (IPv6), and share prefixes as before. Fails as doctor() does.
 */
export async function bugReport(options: DoctorOptions = {}): Promise<BugReport> {
  const { reading, report } = await examine(options);
  const anonymizer = new Anonymizer(randomBytes(32), [hostname(), ...wordsOf(reading)]);
  return {
    versions: {
      ...{ mptcp: versionOf(), node: process.version, kernel: release(), arch: arch() },
    },
    report: anonymizer.value(report) as BugReport['report'],
    state: anonymizer.value(reading.state) as BugReport['state'],
    unread: anonymizer.value(reading.unread) as BugReport['unread'],
  };
}
