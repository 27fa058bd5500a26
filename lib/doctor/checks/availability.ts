/** MPD1xx: whether this machine and this process can use MPTCP at all. */
import { type Check, check } from '../check';

const ADDON = check({
  id: 'MPD101',
  title: 'The addon of this package can be loaded',
  needs: [],
  reads: ['addon'],
  judge: ({ addon }) =>
    addon.ok
      ? []
      : [
          {
            severity: 'error',
            message: `The addon cannot be loaded, so that this package can only use TCP: ${addon.message ?? 'no reason is known'}.`,
            evidence: { addon: addon.message },
            mend: addon.message?.includes('npm rebuild') ? 'npm rebuild mptcp' : undefined,
          },
        ],
});

const KERNEL = check({
  id: 'MPD102',
  title: 'The kernel has MPTCP',
  needs: ['MPD101'],
  reads: ['hasMptcp'],
  judge: ({ hasMptcp }) =>
    hasMptcp
      ? []
      : [
          {
            severity: 'error',
            message:
              'This kernel has no MPTCP: it is older than Linux 5.6, or was built without CONFIG_MPTCP.',
            evidence: { '/proc/sys/net/mptcp': 'is missing, or the netlink family mptcp_pm is' },
          },
        ],
});

const ENABLED = check({
  id: 'MPD103',
  title: 'MPTCP is switched on',
  needs: ['MPD102'],
  reads: ['sysctls'],
  judge: ({ sysctls }) =>
    sysctls['net.mptcp.enabled'] !== '0'
      ? []
      : [
          {
            severity: 'error',
            message: 'MPTCP is switched off in this network namespace: every connection uses TCP.',
            evidence: { 'net.mptcp.enabled': 0 },
            mend: 'sysctl -w net.mptcp.enabled=1',
          },
        ],
});

const SOCKETS = check({
  id: 'MPD104',
  title: 'MPTCP sockets can be opened',
  needs: ['MPD103'],
  reads: ['socket', 'self'],
  judge: ({ socket, self }) =>
    socket.ok
      ? []
      : [
          {
            severity: 'error',
            message: `The kernel has MPTCP, and this process cannot open an MPTCP socket${
              self.filtered
                ? ': a filter of system calls, such as the seccomp profile of a container, forbids it'
                : ''
            }.`,
            evidence: {
              'socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)': socket.message,
              'Seccomp in /proc/self/status': self.filtered ? 2 : 0,
            },
          },
        ],
});

const NET_ADMIN = check({
  id: 'MPD105',
  title: 'This process may change endpoints, limits and the mode',
  needs: ['MPD102'],
  reads: ['self'],
  judge: ({ self }) =>
    self.netAdmin
      ? []
      : [
          {
            severity: 'info',
            message:
              'This process lacks CAP_NET_ADMIN: it can use MPTCP, and can neither change endpoints, limits ' +
              'and the mode nor receive the events of the kernel.',
            evidence: { 'CAP_NET_ADMIN in CapEff of /proc/self/status': false },
            mend: `setpriv --inh-caps=+net_admin --ambient-caps=+net_admin node PROGRAM`,
          },
        ],
});

const READ_ONLY = check({
  id: 'MPD106',
  title: 'Settings below /proc/sys can be written',
  needs: ['MPD102'],
  reads: ['self'],
  judge: ({ self }) =>
    self.readOnlySettings
      ? [
          {
            severity: 'info',
            message:
              'The settings below /proc/sys are mounted read-only, as in most containers: the mode and the ' +
              'sysctls of MPTCP can only be set from outside.',
            evidence: { '/proc/sys in /proc/self/mountinfo': 'ro' },
          },
        ]
      : [],
});

const OLD_KERNEL = check({
  id: 'MPD107',
  title: 'The kernel has the features that this package uses',
  needs: ['MPD103'],
  reads: ['kernel'],
  judge: ({ kernel: { release, lacks } }) =>
    lacks.length === 0
      ? []
      : [
          {
            severity: 'info',
            message: `This kernel lacks ${lacks.map(({ feature, since }) => `${feature}, since Linux ${since}`).join('; ')}.`,
            evidence: {
              'uname -r': release,
              ...Object.fromEntries(lacks.map(({ feature, since }) => [feature, `Linux ${since}`])),
            },
          },
        ],
});

export const AVAILABILITY: readonly Check[] = [
  ADDON,
  KERNEL,
  ENABLED,
  SOCKETS,
  NET_ADMIN,
  READ_ONLY,
  OLD_KERNEL,
];
