/** MPD3xx: who manages the paths of connections. */
import { type Check, check, type Fault } from '../check';
import type { State } from '../state';

const name = (mode: State['mode'], sysctls: State['sysctls']): [name: string, kernel: string] =>
  'net.mptcp.path_manager' in sysctls
    ? ['net.mptcp.path_manager', 'kernel']
    : ['net.mptcp.pm_type', '0'];

const NO_OWNER = check({
  id: 'MPD301',
  title: 'The userspace path manager has an owner',
  needs: ['MPD103'],
  reads: ['mode', 'writers', 'sysctls'],
  judge({ mode, writers, sysctls }) {
    if (!mode.ownerless || writers.some((each) => each.name === 'mptcpd')) return [];
    const [setting, kernel] = name(mode, sysctls);
    return [
      {
        severity: 'error',
        message:
          'New connections wait for a path manager in userspace, and no process that is known is one: they keep to their first path.',
        evidence: { [setting]: sysctls[setting], owner: 'none' },
        mend: `sysctl -w ${setting}=${kernel}`,
      },
    ];
  },
});

const FOREIGN_CONNECTIONS = check({
  id: 'MPD302',
  title: 'Connections are managed by the kernel or by the owner of the mode',
  needs: ['MPD103'],
  reads: ['mode', 'connections', 'writers'],
  judge({ mode, connections, writers }): Fault[] {
    const managed = connections.filter(({ userspace }) => userspace !== undefined);
    if (managed.length === 0) return [];
    const daemon = writers.find((each) => each.name === 'mptcpd');
    const { owner } = mode;
    if (owner?.pid === process.pid) return [];
    const evidence = {
      'mode of new connections': mode.mode,
      'connections managed by userspace': managed.length,
      'owner of the mode': owner
        ? (owner.command ?? owner.pid ?? 'of another pid namespace')
        : 'none',
      mptcpd: daemon?.pid,
    };
    if (owner || daemon) {
      const who = owner ? `process ${owner.pid ?? 'of another pid namespace'}` : 'mptcpd';
      return [
        {
          severity: 'info',
          message: `${managed.length} connections are managed by ${who}: they do not follow endpoints and limits by themselves.`,
          evidence,
        },
      ];
    }
    return [
      {
        severity: 'warning',
        message: `${managed.length} connections began in the userspace mode, whose owner is gone: nobody opens paths for them any more. Only a new connection gets the kernel's path manager.`,
        evidence,
      },
    ];
  },
});

const OTHER_WRITERS = check({
  id: 'MPD303',
  title: 'No other program writes endpoints',
  needs: ['MPD103'],
  reads: ['writers', 'endpoints'],
  judge: ({ writers, endpoints }) =>
    writers.map(({ pid, name: program }) => ({
      severity: 'warning',
      message: `${program} runs in this network namespace and writes endpoints too: it may add, change or delete those of others.`,
      evidence: { [program]: `pid ${pid}`, endpoints: endpoints.length },
      mend:
        program === 'mptcpd'
          ? 'systemctl disable --now mptcp.service'
          : "printf '[connection]\\nconnection.mptcp-flags=1\\n' > /etc/NetworkManager/conf.d/90-no-mptcp.conf && nmcli general reload",
    })),
});

export const USERSPACE: readonly Check[] = [NO_OWNER, FOREIGN_CONNECTIONS, OTHER_WRITERS];
