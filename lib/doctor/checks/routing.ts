/** MPD4xx: whether packets of each address leave and arrive at its interface. */
import { familyOf, isAddress } from '../../base/addresses';
import type { Endpoint } from '../../endpoints/endpoint';
import type { NetworkInterface } from '../../interfaces/interface';
import { type Check, check, type Fault } from '../check';
import { isInPrefix, type SourceLink, sourceRoute } from '../source-route';
import type { PathRoute, State } from '../state';

const NEEDS = ['MPD103', 'MPD301'];

/** The paths of a client's endpoints, one for each address: the first one that is wrong. */
function wrongPaths(
  { endpoints, paths, role }: Pick<State, 'endpoints' | 'paths' | 'role'>,
  isWrong: (path: PathRoute) => boolean,
): PathRoute[] {
  if (!role.client) return [];
  const opens = (path: PathRoute): boolean =>
    endpoints.some(
      ({ address, subflow, fullmesh }) => (subflow || fullmesh) && isAddress(address, path.local),
    );
  const found = paths.filter((path) => opens(path) && isWrong(path));
  return found.filter((path, i) => found.findIndex(({ local }) => local === path.local) === i);
}

/** Whether some address reaches the peer at all: without that, no address is at fault. */
const isReachable = ({ peer }: PathRoute, paths: readonly PathRoute[]): boolean =>
  paths.some((path) => path.peer === peer && path.reverse !== undefined);

/** Whether two interfaces have addresses in the network of `local`. */
function sharesNetwork(
  { local, interface: own }: PathRoute,
  other: string | undefined,
  interfaces: readonly NetworkInterface[],
): boolean {
  const ofOwn = interfaces.find(({ name }) => name === own)?.addresses ?? [];
  const length = ofOwn.find(({ address }) => isAddress(address, local))?.prefixLength;
  const ofOther = interfaces.find(({ name }) => name === other)?.addresses ?? [];
  return length !== undefined && ofOther.some(({ address }) => isInPrefix(address, local, length));
}

/** Stands for an interface that is gone. */
const NO_LINK: SourceLink = { name: 'DEVICE', index: 0, addresses: [] };

const linkOf = (path: PathRoute, interfaces: readonly NetworkInterface[]): SourceLink =>
  interfaces.find(({ name }) => name === path.interface) ?? NO_LINK;

const evidenceOf = ({
  local,
  peer,
  route,
  bound,
  interface: name,
}: PathRoute): Fault['evidence'] => ({
  [`ip route get ${peer} from ${local}${bound ? ` oif ${name}` : ''}`]: route
    ? `${route.gateway === undefined ? '' : `via ${route.gateway} `}dev ${route.interface}`
    : 'unreachable',
  [`interface of ${local}`]: name,
});

const NO_ROUTE = check({
  id: 'MPD401',
  title: 'A route leads from each address over its interface',
  needs: NEEDS,
  reads: ['endpoints', 'paths', 'role', 'interfaces', 'routes'],
  judge(state) {
    const { paths, interfaces, routes } = state;
    const isWrong = (path: PathRoute): boolean =>
      path.route?.interface !== path.interface &&
      isReachable(path, paths) &&
      !sharesNetwork(path, path.route?.interface, interfaces);
    return wrongPaths(state, isWrong).map((path) => ({
      severity: 'error',
      message: path.route
        ? `Packets from ${path.local} leave through ${path.route.interface}, and ${path.interface} has the address: the network drops them, or they share the first path.`
        : `No route leads from ${path.local} over ${path.interface}: its subflows fail.`,
      evidence: evidenceOf(path),
      mend: sourceRoute(path.local, linkOf(path, interfaces), path.peer, routes),
    }));
  },
});

const SHARED_NETWORK = check({
  id: 'MPD402',
  title: 'Addresses in one network have source routes',
  needs: NEEDS,
  reads: ['endpoints', 'paths', 'role', 'interfaces', 'routes'],
  judge(state): Fault[] {
    const { endpoints, interfaces, routes, role } = state;
    const isWrong = (path: PathRoute): boolean =>
      path.route !== undefined &&
      path.route.interface !== path.interface &&
      sharesNetwork(path, path.route.interface, interfaces);
    const faults = wrongPaths(state, isWrong).map((path): Fault => ({
      severity: 'error',
      message: `${path.local} on ${path.interface} is in the same network as an address of ${path.route?.interface ?? 'another interface'}, through which its packets leave: both paths are one.`,
      evidence: evidenceOf(path),
      mend: sourceRoute(path.local, linkOf(path, interfaces), path.peer, routes),
    }));
    if (!role.client) return faults;
    return [...faults, ...interfaces.flatMap((link) => sameLink(link, endpoints))];
  },
});

/** Finds endpoints that share an interface and a network: they are one path. */
function sameLink(link: NetworkInterface, endpoints: readonly Endpoint[]): Fault[] {
  const own = link.addresses.filter(({ address }) =>
    endpoints.some((each) => each.subflow && isAddress(each.address, address)),
  );
  const pair = own.find((one, i) =>
    own.some((other, j) => j > i && isInPrefix(other.address, one.address, one.prefixLength)),
  );
  if (!pair) return [];
  const shared = own.filter((each) => isInPrefix(each.address, pair.address, pair.prefixLength));
  const extra = endpoints.filter(({ address }) =>
    shared.slice(1).some((each) => isAddress(each.address, address)),
  );
  return [
    {
      severity: 'warning',
      message: `${shared.map(({ address }) => address).join(' and ')} are in one network on ${link.name}: their subflows share one link, and fail together.`,
      evidence: {
        [link.name]: shared.map((each) => `${each.address}/${each.prefixLength}`).join(' '),
      },
      mend: extra.map(({ id }) => `ip mptcp endpoint delete id ${id}`).join(' && '),
    },
  ];
}

/** The mode of rp_filter that applies to an interface: the higher one of two settings. */
const filterOf = (name: string, sysctls: State['sysctls']): number =>
  Math.max(
    Number(sysctls['net.ipv4.conf.all.rp_filter'] ?? 0),
    Number(sysctls[`net.ipv4.conf.${name.replaceAll('.', '/')}.rp_filter`] ?? 0),
  );
const STRICT = 1;

const settingOf = (name: string): string => `net.ipv4.conf.${name.replaceAll('.', '/')}.rp_filter`;

const REVERSE_PATH = check({
  id: 'MPD403',
  title: 'rp_filter lets the packets of each path in',
  needs: ['MPD103'],
  reads: ['endpoints', 'paths', 'role', 'interfaces', 'sysctls', 'counters'],
  judge(state): Fault[] {
    const { paths, sysctls, interfaces, counters } = state;
    const isWrong = (path: PathRoute): boolean =>
      familyOf(path.local) === 4 &&
      filterOf(path.interface, sysctls) === STRICT &&
      path.reverse !== path.interface &&
      isReachable(path, paths);
    const certain = wrongPaths(state, isWrong);
    const evidence = (name: string): Fault['evidence'] => ({
      'net.ipv4.conf.all.rp_filter': sysctls['net.ipv4.conf.all.rp_filter'],
      [settingOf(name)]: sysctls[settingOf(name)],
      TcpExtIPReversePathFilter: counters.TcpExtIPReversePathFilter,
    });
    if (certain.length > 0) {
      return certain.map((path) => ({
        severity: 'error',
        message: `rp_filter is strict on ${path.interface}, and the route from ${path.local} to ${path.peer} leads ${path.reverse === undefined ? 'nowhere' : `through ${path.reverse}`}: what arrives on ${path.interface} for that address is dropped.`,
        evidence: {
          ...evidence(path.interface),
          [`ip route get ${path.peer} from ${path.local}`]: `dev ${path.reverse ?? 'none'}`,
        },
        mend: `sysctl -w ${settingOf(path.interface)}=2`,
      }));
    }
    // Of a server only the dropped packets are known: clients choose where they come from.
    const strict = interfaces.filter(
      ({ name, running, loopback }) => running && !loopback && filterOf(name, sysctls) === STRICT,
    );
    const dropped = counters.TcpExtIPReversePathFilter ?? 0;
    if (strict.length < 2 || dropped === 0) return [];
    return [
      {
        severity: 'warning',
        message: `rp_filter has dropped ${dropped} packets that arrived at another interface than the one to their sender: asymmetric paths fail.`,
        evidence: Object.assign(
          {},
          ...strict.map(({ name }) => evidence(name)),
        ) as Fault['evidence'],
        mend: `sysctl -w ${strict.map(({ name }) => `${settingOf(name)}=2`).join(' ')}`,
      },
    ];
  },
});

export const ROUTING: readonly Check[] = [NO_ROUTE, SHARED_NETWORK, REVERSE_PATH];
