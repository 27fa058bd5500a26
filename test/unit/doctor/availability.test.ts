/** Tests the checks of faults that no test can plant: no addon, no MPTCP in the kernel, an old kernel. */
import { NAMESPACE_CHECKS } from '../../../lib/doctor/checks';
import { judge } from '../../../lib/doctor/judge';
import type { State } from '../../../lib/doctor/state';

const SOUND: Partial<State> = {
  addon: { ok: true },
  hasMptcp: true,
  sysctls: { 'net.mptcp.enabled': '1' },
  kernel: { release: '6.18.0', lacks: [] },
};

const examine = (state: Partial<State>) =>
  judge(NAMESPACE_CHECKS, { state: { ...SOUND, ...state }, unread: {} });

test('MPD101: the addon cannot be loaded, so that nothing else is judged', () => {
  const message = "there is no addon for this machine. … run 'npm rebuild mptcp'";
  const report = judge(NAMESPACE_CHECKS, {
    state: { addon: { ok: false, message } },
    unread: {},
  });
  expect(report.findings).toMatchObject([
    { id: 'MPD101', severity: 'error', mend: 'npm rebuild mptcp' },
  ]);
  expect(report.skipped).toHaveLength(NAMESPACE_CHECKS.length - 1);
  expect(new Set(report.skipped.map(({ because }) => because))).toEqual(new Set(['MPD101']));
  const bundled = { ok: false, message: 'a bundler has separated this package from its addon' };
  expect(examine({ addon: bundled }).findings[0]).not.toHaveProperty('mend');
});

test('MPD102: the kernel has no MPTCP', () => {
  const { findings, skipped } = examine({ hasMptcp: false });
  expect(findings).toMatchObject([{ id: 'MPD102', severity: 'error' }]);
  expect(skipped.find(({ id }) => id === 'MPD401')?.because).toBe('MPD102');
});

test('MPD107: an old kernel, with what it lacks', () => {
  const lacks = [{ feature: 'ids of subflows (MPTCP_FULL_INFO)', since: '6.5' }];
  const { findings } = examine({ kernel: { release: '6.1.0', lacks } });
  expect(findings).toMatchObject([
    {
      ...{ id: 'MPD107', severity: 'info' },
      message: 'This kernel lacks ids of subflows (MPTCP_FULL_INFO), since Linux 6.5.',
      evidence: [
        { name: 'uname -r', value: '6.1.0' },
        { name: 'ids of subflows (MPTCP_FULL_INFO)', value: 'Linux 6.5' },
      ],
    },
  ]);
});
