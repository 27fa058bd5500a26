/** MPD2xx: endpoints and limits of the in-kernel path manager. */
import { familyOf, isAddress } from '../../base/addresses';
import type { Endpoint } from '../../endpoints/endpoint';
import { isUsable, type NetworkAddress, type NetworkInterface } from '../../interfaces/interface';
import { type Check, check, type Fault } from '../check';
import type { State } from '../state';

/** The checks without which those of the in-kernel path manager say nothing. */
const NEEDS = ['MPD103', 'MPD301'];

/** Whether new connections follow the endpoints: those of a foreign userspace path manager do not. */
const followed = ({ mode, owner }: State['mode']): boolean =>
  mode !== 'userspace' || owner !== undefined;

interface Held {
  link: NetworkInterface;
  address: NetworkAddress;
}

/** The address of an endpoint on the interface that has it. */
function holderOf(endpoint: Endpoint, interfaces: readonly NetworkInterface[]): Held | undefined {
  const held = interfaces.flatMap((link) =>
    link.addresses
      .filter(({ address }) => isAddress(address, endpoint.address))
      .map((address) => ({ link, address })),
  );
  return held.find(({ link }) => link.name === endpoint.interface) ?? held[0];
}

const describe = ({ id, address }: Endpoint): string => `The endpoint ${id} (${address})`;

/** The evidence of an endpoint, as `ip mptcp endpoint show` prints it. */
const shown = (endpoint: Endpoint): Fault['evidence'] => ({
  [`endpoint ${endpoint.id}`]: [
    endpoint.address,
    ...(['signal', 'subflow', 'backup', 'fullmesh'] as const).filter((flag) => endpoint[flag]),
    ...(endpoint.port === undefined ? [] : [`port ${endpoint.port}`]),
    ...(endpoint.interface === undefined ? [] : [`dev ${endpoint.interface}`]),
  ].join(' '),
});

/** The addresses of a family at which subflows can begin, one for each interface. */
const usable = (interfaces: readonly NetworkInterface[], family: 4 | 6): Held[] =>
  interfaces.flatMap((link) =>
    link.addresses
      .filter((each) => familyOf(each.address) === family && isUsable(each, link))
      .slice(0, 1)
      .map((address) => ({ link, address })),
  );

const NO_SUBFLOWS = check({
  id: 'MPD201',
  title: 'The limits allow subflows',
  needs: NEEDS,
  reads: ['limits', 'mode'],
  judge: ({ limits, mode }) =>
    !followed(mode) || limits.subflows > 0
      ? []
      : [
          {
            severity: 'error',
            message:
              'The limit of additional subflows is 0: every connection keeps to its first path.',
            evidence: { 'limit subflows': 0 },
            mend: 'ip mptcp limits set subflows 2',
          },
        ],
});

const FEW_SUBFLOWS = check({
  id: 'MPD202',
  title: 'The limits allow as many subflows as there are endpoints',
  needs: [...NEEDS, 'MPD201'],
  reads: ['limits', 'endpoints', 'origins', 'mode'],
  judge({ limits, endpoints, origins, mode }) {
    if (!followed(mode)) return [];
    const needed = ([4, 6] as const).map((family) => {
      const own = endpoints.filter((each) => each.subflow && familyOf(each.address) === family);
      const isFirst = own.some(({ address }) => origins.some((each) => isAddress(each, address)));
      return own.length - (isFirst ? 1 : 0);
    });
    const most = Math.max(...needed);
    if (most <= limits.subflows) return [];
    return [
      {
        severity: 'warning',
        message: `The endpoints stand for ${most} additional subflows, and the limit is ${limits.subflows}: some of them are never used.`,
        evidence: {
          'limit subflows': limits.subflows,
          'endpoints with subflow': endpoints.filter(({ subflow }) => subflow).length,
        },
        mend: `ip mptcp limits set subflows ${most}`,
      },
    ];
  },
});

const NO_ADDRESSES_ACCEPTED = check({
  id: 'MPD203',
  title: 'Announced addresses are accepted',
  needs: NEEDS,
  reads: ['limits', 'counters', 'role', 'mode', 'endpoints'],
  judge({ limits, counters, role, mode, endpoints }) {
    const announced = counters.MPTcpExtAddAddr ?? 0;
    const isUsed = followed(mode) && role.client && !endpoints.some(({ laminar }) => laminar);
    if (!isUsed || announced === 0 || limits.addAddrAccepted > 0) return [];
    return [
      {
        severity: 'warning',
        message:
          'Peers have announced addresses, and the limit of those that are accepted is 0: no subflow leads to them.',
        evidence: { 'limit add_addr_accepted': 0, MPTcpExtAddAddr: announced },
        mend: 'ip mptcp limits set add_addr_accepted 2',
      },
    ];
  },
});

const NO_ENDPOINT = check({
  id: 'MPD204',
  title: 'A client with several addresses has endpoints',
  needs: NEEDS,
  reads: [
    ...(['endpoints', 'interfaces', 'role', 'mode', 'origins'] as const),
    ...(['limits', 'counters', 'connections'] as const),
  ],
  judge({ endpoints, interfaces, role, mode, origins, limits, counters, connections }) {
    const isUsed = followed(mode) && role.client && !role.server;
    if (!isUsed || endpoints.some(({ subflow, fullmesh }) => subflow || fullmesh)) return [];
    // Servers may bring the other paths: by announced addresses, which are used unless none is accepted.
    const accepts = limits.addAddrAccepted > 0 && (counters.MPTcpExtAddAddr ?? 0) > 0;
    if (accepts || connections.some(({ info }) => (info?.subflows ?? 0) > 0)) return [];
    const spare = ([4, 6] as const).map((family) => usable(interfaces, family));
    const most = spare.find((each) => each.length > 1);
    if (!most) return [];
    const isFirst = ({ link }: Held): boolean =>
      link.addresses.some(({ address }) => origins.some((each) => isAddress(each, address)));
    const first = most.find(isFirst) ?? most[0];
    const others = most.filter((each) => each !== first);
    return [
      {
        severity: 'warning',
        message: `No endpoint has the flag subflow: connections never use ${others.map(({ link }) => link.name).join(', ')}.`,
        evidence: {
          endpoints: endpoints.length,
          ...Object.fromEntries(most.map(({ link, address }) => [link.name, address.address])),
        },
        mend: others
          .map(
            ({ link, address }) =>
              `ip mptcp endpoint add ${address.address} dev ${link.name} subflow`,
          )
          .join(' && '),
      },
    ];
  },
});

const NO_SUCH_ADDRESS = check({
  id: 'MPD205',
  title: 'Each endpoint has an address of this host',
  needs: NEEDS,
  reads: ['endpoints', 'interfaces'],
  judge: ({ endpoints, interfaces }) =>
    endpoints
      .filter((endpoint) => !holderOf(endpoint, interfaces))
      .map((endpoint) => ({
        severity: 'error',
        message: `${describe(endpoint)} has an address that no interface has: its subflows fail, and an announced one leads nowhere.`,
        evidence: shown(endpoint),
        mend: `ip mptcp endpoint delete id ${endpoint.id}`,
      })),
});

const INTERFACE_DOWN = check({
  id: 'MPD206',
  title: 'The interfaces of endpoints are up',
  needs: NEEDS,
  reads: ['endpoints', 'interfaces'],
  judge: ({ endpoints, interfaces }) =>
    endpoints.flatMap((endpoint): Fault[] => {
      const link =
        interfaces.find(({ name }) => name === endpoint.interface) ??
        holderOf(endpoint, interfaces)?.link;
      if (!link || link.running) return [];
      const state = link.up ? 'has no carrier' : 'is down';
      return [
        {
          severity: 'error',
          message: `${describe(endpoint)} is on ${link.name}, which ${state}: it opens no subflow.`,
          evidence: {
            ...shown(endpoint),
            [`${link.name} up`]: link.up,
            [`${link.name} running`]: link.running,
          },
          mend: link.up ? undefined : `ip link set ${link.name} up`,
        },
      ];
    }),
});

const UNUSABLE_ADDRESS = check({
  id: 'MPD207',
  title: 'The addresses of endpoints are neither tentative, deprecated nor duplicate',
  needs: NEEDS,
  reads: ['endpoints', 'interfaces'],
  judge: ({ endpoints, interfaces }) =>
    endpoints.flatMap((endpoint): Fault[] => {
      const held = holderOf(endpoint, interfaces);
      if (!held) return [];
      const { address, link } = held;
      const reason = address.duplicate
        ? 'is a duplicate: another host on the link has it'
        : address.tentative
          ? 'is tentative: duplicate address detection has not ended'
          : address.deprecated
            ? 'is deprecated: its preferred lifetime has ended'
            : undefined;
      if (reason === undefined) return [];
      const renewed = `ip address change ${address.address}/${address.prefixLength} dev ${link.name} preferred_lft forever valid_lft forever`;
      return [
        {
          severity: address.duplicate ? 'error' : 'warning',
          message: `The address of the endpoint ${endpoint.id} (${endpoint.address}) ${reason}.`,
          evidence: {
            ...shown(endpoint),
            tentative: address.tentative,
            deprecated: address.deprecated,
            duplicate: address.duplicate,
          },
          mend: address.duplicate
            ? `ip mptcp endpoint delete id ${endpoint.id}`
            : address.deprecated && !address.tentative
              ? renewed
              : undefined,
        },
      ];
    }),
});

const SIGNAL_ON_CLIENT = check({
  id: 'MPD208',
  title: 'A client does not announce its addresses',
  needs: NEEDS,
  reads: ['endpoints', 'role', 'listeners', 'connections', 'mode'],
  judge({ endpoints, role, listeners, connections, mode }) {
    const isClient = role.client && !role.server;
    const signals = endpoints.filter(({ signal, subflow }) => signal && !subflow);
    // A host that has not connected may be a server that has not begun to listen.
    const isKnown = connections.some(({ outgoing }) => outgoing) || listeners.length === 0;
    if (!followed(mode) || !isClient || !isKnown) return [];
    const evidence = { listeners: listeners.length };
    return signals.map((endpoint) => ({
      severity: 'warning',
      message: `${describe(endpoint)} announces an address of a client: servers do not open subflows to it, and this host does not use it either.`,
      evidence: { ...shown(endpoint), ...evidence },
      mend: replacing(endpoint, 'subflow'),
    }));
  },
});

/** The commands that give an endpoint another flag. */
const replacing = ({ id, address, interface: device }: Endpoint, flag: string): string =>
  `ip mptcp endpoint delete id ${id} && ip mptcp endpoint add ${address}${
    device === undefined ? '' : ` dev ${device}`
  } ${flag}`;

const ONLY_SUBFLOW_ON_SERVER = check({
  id: 'MPD209',
  title: 'A server announces its addresses',
  needs: NEEDS,
  reads: ['endpoints', 'role', 'mode'],
  judge({ endpoints, role, mode }) {
    const isServer = role.server && !role.client;
    const own = endpoints.filter(({ implicit }) => !implicit);
    if (!followed(mode) || !isServer || own.length === 0) return [];
    if (own.some(({ signal }) => signal)) return [];
    return [
      {
        severity: 'warning',
        message:
          'This server has only endpoints with the flag subflow: clients never learn of their addresses.',
        evidence: Object.assign({}, ...own.map(shown)) as Fault['evidence'],
        mend: own.map((endpoint) => replacing(endpoint, 'signal')).join(' && '),
      },
    ];
  },
});

const WRONG_INTERFACE = check({
  id: 'MPD210',
  title: 'Endpoints are bound to the interface that has their address',
  needs: NEEDS,
  reads: ['endpoints', 'interfaces'],
  judge: ({ endpoints, interfaces }) =>
    endpoints.flatMap((endpoint): Fault[] => {
      const link = holderOf(endpoint, interfaces)?.link;
      if (!link || endpoint.interface === undefined || endpoint.interface === link.name) return [];
      const flags = (['signal', 'subflow', 'backup', 'fullmesh'] as const)
        .filter((flag) => endpoint[flag])
        .join(' ');
      return [
        {
          severity: 'error',
          message: `${describe(endpoint)} is bound to ${endpoint.interface}, and ${link.name} has the address: its packets leave where nobody expects them.`,
          evidence: { ...shown(endpoint), [`interface of ${endpoint.address}`]: link.name },
          mend: replacing({ ...endpoint, interface: link.name }, flags),
        },
      ];
    }),
});

const FAMILY_MISMATCH = check({
  id: 'MPD211',
  title: 'Endpoints are of the family of the connections',
  needs: NEEDS,
  reads: ['endpoints', 'connections', 'mode'],
  judge({ endpoints, connections, mode }) {
    const own = endpoints.filter(({ subflow }) => subflow);
    const open = connections.filter((each) => each.outgoing && each.state === 'ESTABLISHED');
    if (!followed(mode) || own.length === 0 || open.length === 0) return [];
    const families = new Set(open.map(({ remote }) => familyOf(remote.address)));
    if (own.some(({ address }) => families.has(familyOf(address)))) return [];
    const names = Array.from(families, (family) => `IPv${family}`).join(' and ');
    return [
      {
        severity: 'warning',
        message: `Connections use ${names}, and no endpoint with the flag subflow does: a subflow is of the family of the peer's address.`,
        evidence: {
          ...(Object.assign({}, ...own.map(shown)) as Fault['evidence']),
          'addresses of peers': Array.from(new Set(open.map(({ remote }) => remote.address)))
            .slice(0, 8)
            .join(' '),
        },
      },
    ];
  },
});

const V6_PORT = check({
  id: 'MPD212',
  title: 'Announcements fit into a segment',
  needs: NEEDS,
  reads: ['endpoints', 'sysctls', 'mode'],
  judge({ endpoints, sysctls, mode }) {
    const dropsTimestamps = sysctls['net.mptcp.add_addr_v6_port_drop_ts'] === '1';
    if (!followed(mode) || dropsTimestamps || sysctls['net.ipv4.tcp_timestamps'] === '0') return [];
    const long = ({ signal, port, address }: Endpoint): boolean =>
      signal && port !== undefined && familyOf(address) === 6;
    return endpoints.filter(long).map((endpoint) => ({
      severity: 'error',
      message: `${describe(endpoint)} is never announced: an IPv6 address with a port does not fit beside TCP's timestamps.`,
      evidence: {
        ...shown(endpoint),
        'net.ipv4.tcp_timestamps': sysctls['net.ipv4.tcp_timestamps'],
      },
      mend:
        'net.mptcp.add_addr_v6_port_drop_ts' in sysctls
          ? 'sysctl -w net.mptcp.add_addr_v6_port_drop_ts=1'
          : replacing(endpoint, 'signal'),
    }));
  },
});

export const ENDPOINTS: readonly Check[] = [
  NO_SUBFLOWS,
  FEW_SUBFLOWS,
  NO_ADDRESSES_ACCEPTED,
  NO_ENDPOINT,
  NO_SUCH_ADDRESS,
  INTERFACE_DOWN,
  UNUSABLE_ADDRESS,
  SIGNAL_ON_CLIENT,
  ONLY_SUBFLOW_ON_SERVER,
  WRONG_INTERFACE,
  FAMILY_MISMATCH,
  V6_PORT,
];
