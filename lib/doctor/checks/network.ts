/** MPD5xx: what firewalls, middleboxes and peers do to MPTCP. */
import { familyOf, isAddress } from '../../base/addresses';
import { type Check, check, type Fault } from '../check';

const FIREWALL = check({
  id: 'MPD501',
  title: 'No rule of the firewall drops or strips the options of MPTCP',
  needs: ['MPD102'],
  reads: ['firewall'],
  judge: ({ firewall }) =>
    firewall.map(({ chain, handle, effect }) => ({
      severity: 'error',
      message:
        effect === 'drop'
          ? `A rule in the chain ${chain} drops segments with the option of MPTCP: connections through it begin late, and over TCP.`
          : `A rule in the chain ${chain} strips the option of MPTCP: connections through it use TCP.`,
      evidence: { [`nft -a list chain ${chain}`]: `handle ${handle}` },
      mend: `nft delete rule ${chain} handle ${handle}`,
    })),
});

const BLACKHOLE = check({
  id: 'MPD502',
  title: 'The kernel has not stopped to try MPTCP',
  needs: ['MPD103'],
  reads: ['counters', 'sysctls'],
  judge({ counters, sysctls }) {
    const found = counters.MPTcpExtBlackhole ?? 0;
    const timeout = sysctls['net.mptcp.blackhole_timeout'];
    if (found === 0 || timeout === undefined || timeout === '0') return [];
    const without = counters.MPTcpExtMPCapableSYNTXDisabled ?? 0;
    return [
      {
        severity: without > 0 ? 'error' : 'warning',
        message: `SYNs with MPTCP were lost where those without arrived, ${found} times: each time the kernel connects without MPTCP for ${timeout} s or longer, ${without} connections until now. Writing the setting again ends that at once.`,
        evidence: {
          MPTcpExtBlackhole: found,
          MPTcpExtMPCapableSYNTXDisabled: without,
          'net.mptcp.blackhole_timeout': timeout,
        },
        mend: `sysctl -w net.mptcp.blackhole_timeout=${timeout}`,
      },
    ];
  },
});

const DENIED_JOINS = check({
  id: 'MPD503',
  title: 'Peers allow subflows to the address that this host has connected to',
  needs: ['MPD103', 'MPD201', 'MPD205', 'MPD206', 'MPD401', 'MPD402'],
  reads: ['connections', 'endpoints', 'counters', 'role'],
  judge({ connections, endpoints, counters, role }) {
    const own = endpoints.filter(({ subflow }) => subflow);
    const attempts = Object.entries(counters)
      .filter(([name]) => name.startsWith('MPTcpExtMPJoinSynTx'))
      .reduce((sum, [, value]) => sum + value, 0);
    if (!role.client || attempts > 0) return [];
    const denied = connections.filter(
      ({ outgoing, state, fallback, info, local, remote, userspace }) =>
        outgoing &&
        state === 'ESTABLISHED' &&
        fallback === false &&
        userspace === undefined &&
        info?.subflows === 0 &&
        info.subflowsMax > 0 &&
        info.addAddrAccepted === 0 &&
        // The kernel has used the endpoints, and has not found an address to connect to.
        (info.localAddrUsed ?? 0) > 0 &&
        own.some(
          ({ address }) =>
            !isAddress(address, local.address) && familyOf(address) === familyOf(remote.address),
        ),
    );
    if (denied.length === 0) return [];
    const peers = Array.from(new Set(denied.map(({ remote }) => remote.address)));
    return [
      {
        severity: 'warning',
        message: `${peers.slice(0, 4).join(', ')} denies subflows to its first address, and has announced no other one: no additional path can lead there. This is decided on that host.`,
        evidence: {
          connections: denied.length,
          MPTcpExtMPJoinSynTx: attempts,
          'accepted announcements': 0,
        },
        mend: `ssh ${peers[0] ?? 'PEER'} sysctl -w net.mptcp.allow_join_initial_addr_port=1`,
      },
    ];
  },
});

const CHECKSUM = check({
  id: 'MPD504',
  title: 'Data arrives as it was sent',
  needs: ['MPD103'],
  reads: ['counters', 'sysctls'],
  judge({ counters, sysctls }) {
    const errors = counters.MPTcpExtDataCsumErr ?? 0;
    if (errors === 0) return [];
    return [
      {
        severity: 'warning',
        message: `${errors} times, data did not have the checksum with which it was sent: a middlebox rewrites it, and its path fell back to TCP or was closed.`,
        evidence: {
          MPTcpExtDataCsumErr: errors,
          MPTcpExtMPFailTx: counters.MPTcpExtMPFailTx,
          'net.mptcp.checksum_enabled': sysctls['net.mptcp.checksum_enabled'],
        },
      },
    ];
  },
});

const BBR = check({
  id: 'MPD505',
  title: 'The congestion control suits links without a limit of their rate',
  needs: ['MPD103'],
  reads: ['sysctls', 'paths', 'connections'],
  judge({ sysctls, paths, connections }): Fault[] {
    if (sysctls['net.ipv4.tcp_congestion_control'] !== 'bbr') return [];
    const neighbours = paths.filter(
      ({ peer, route, interface: name }) =>
        route?.interface === name &&
        (route.gateway === undefined || isAddress(route.gateway, peer)) &&
        connections.some(({ remote }) => isAddress(remote.address, peer)),
    );
    const [first] = neighbours;
    if (!first) return [];
    return [
      {
        severity: 'info',
        message:
          'The congestion control is bbr, with which MPTCP is slow on links without a limit of their rate, such as those of containers. ' +
          'This package uses reno for MPTCP with neighbours; other programs do not.',
        evidence: {
          'net.ipv4.tcp_congestion_control': 'bbr',
          [`ip route get ${first.peer} from ${first.local}`]: `dev ${first.interface}`,
        },
        mend: 'sysctl -w net.ipv4.tcp_congestion_control=cubic',
      },
    ];
  },
});

export const NETWORK: readonly Check[] = [FIREWALL, BLACKHOLE, DENIED_JOINS, CHECKSUM, BBR];
