/** What an older kernel lacks, found by asking it: distributions port features back. */
import type { Capabilities } from '../../sockets/capabilities';

/** MPTCP_PM_CMD_ANNOUNCE (include/uapi/linux/mptcp_pm.h), the first command of userspace. */
const ANNOUNCE = 8;

/** Lists what a kernel lacks, with the Linux release that has it. */
export function missingFeatures(
  { mptcp, getsockopt }: Pick<Capabilities, 'mptcp' | 'getsockopt'>,
  commands: readonly number[],
  sysctls: Readonly<Record<string, string>>,
): { feature: string; since: string }[] {
  const features: [has: boolean, feature: string, since: string][] = [
    [!mptcp || getsockopt.info === true, 'the status of connections (MPTCP_INFO)', '5.16'],
    [commands.includes(ANNOUNCE), 'the userspace path manager', '5.19'],
    [!mptcp || getsockopt.fullInfo === true, 'ids of subflows (MPTCP_FULL_INFO)', '6.5'],
    [
      'net.mptcp.blackhole_timeout' in sysctls,
      'connections over TCP where SYNs with MPTCP are dropped (blackhole_timeout)',
      '6.12',
    ],
  ];
  return features.filter(([has]) => !has).map(([, feature, since]) => ({ feature, since }));
}
