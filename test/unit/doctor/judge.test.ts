/** Tests how checks are run: what they rely on, what they lack, and the form of findings. */
import { type Check, check } from '../../../lib/doctor/check';
import { judge } from '../../../lib/doctor/judge';
import type { Severity } from '../../../lib/doctor/report';

const LIMITS = { subflows: 0, addAddrAccepted: 0 };

const failing = (id: string, severity: Severity, needs: string[] = []): Check =>
  check({
    ...{ id, title: id, needs, reads: ['limits'] },
    judge: ({ limits }) => [
      { severity, message: 'It is.', evidence: { subflows: limits.subflows, none: undefined } },
    ],
  });

test('a finding has evidence, a link and no command where there is none', () => {
  const report = judge([failing('MPD901', 'error')], { state: { limits: LIMITS }, unread: {} });
  expect(report).toEqual({
    findings: [
      {
        ...{ id: 'MPD901', severity: 'error', message: 'It is.', link: 'docs/doctor.md#mpd901' },
        evidence: [{ name: 'subflows', value: 0 }],
      },
    ],
    skipped: [],
    checks: [{ id: 'MPD901', title: 'MPD901', result: 'found' }],
  });
});

test('an error skips what needs the check, and what needs that; the first one is the reason', () => {
  const checks = [
    failing('MPD901', 'error'),
    failing('MPD902', 'error', ['MPD901']),
    failing('MPD903', 'error', ['MPD902']),
    failing('MPD904', 'warning'),
  ];
  const report = judge(checks, { state: { limits: LIMITS }, unread: {} });
  expect(report.findings.map(({ id }) => id)).toEqual(['MPD901', 'MPD904']);
  expect(report.skipped).toEqual([
    { id: 'MPD902', because: 'MPD901', reason: 'MPD901 must be mended first' },
    { id: 'MPD903', because: 'MPD901', reason: 'MPD901 must be mended first' },
  ]);
});

test('warnings and unread parts do not skip what needs the check', () => {
  const checks = [failing('MPD901', 'warning'), failing('MPD902', 'info', ['MPD901'])];
  const report = judge(checks, { state: { limits: LIMITS }, unread: {} });
  expect(report.skipped).toEqual([]);
  expect(judge(checks, { state: {}, unread: { limits: 'EPERM' } }).skipped).toEqual([
    { id: 'MPD901', reason: 'EPERM' },
    { id: 'MPD902', reason: 'EPERM' },
  ]);
});
