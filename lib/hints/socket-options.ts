/** The hints that are socket options: which, with which values, and why the kernel refuses them. */
import type { IntegerOption, TextOption } from '../../types/native';
import type { HintName, HintValue, Intent, SchedulingHints } from './hints';

/** One socket option to set. */
export interface OptionHint {
  /** The hint that it comes from. */
  readonly hint: HintName;
  /** The value, in the form of the hint. */
  readonly requested: HintValue;
  /** The name of the socket option. */
  readonly by: IntegerOption | TextOption;
}

interface Rule {
  /** Converts the kernel's value to the hint's, where they differ; `toKernel` does the reverse. */
  fromKernel?: (value: number) => HintValue;
  toKernel?: (value: number) => number;
  /** The first packets need it, or the handshake negotiates it. */
  early?: boolean;
  /** What to do about a refusal, by errno; '' where the kernel holds another value. */
  advice?: Record<string, string>;
}

const NO_NOTSENT_LOWAT =
  'This kernel has no TCP_NOTSENT_LOWAT for MPTCP: what waits unsent is limited by sendBuffer alone';

const RULES: Partial<Record<IntegerOption | TextOption, Rule>> = {
  TCP_NODELAY: { fromKernel: Boolean },
  TCP_NOTSENT_LOWAT: {
    advice: { ENOPROTOOPT: NO_NOTSENT_LOWAT, ENOTSUP: NO_NOTSENT_LOWAT },
  },
  SO_SNDBUF: {
    advice: { '': 'The kernel doubles the requested size, and allows at most net.core.wmem_max' },
  },
  SO_RCVBUF: {
    early: true, // it determines the window scale
    advice: { '': 'The kernel doubles the requested size, and allows at most net.core.rmem_max' },
  },
  IP_TOS: { early: true, toKernel: (dscp) => dscp << 2, fromKernel: (tos) => tos >> 2 },
  IPV6_TCLASS: {
    toKernel: (dscp) => dscp << 2,
    fromKernel: (traffic) => traffic >> 2,
    advice: {
      ENOTSUP:
        'On an MPTCP socket the kernel marks IPv4 packets alone: connect over IPv4, or mark with nftables (ip6 dscp set)',
    },
  },
  SO_PRIORITY: { early: true, advice: { EPERM: 'Priorities above 6 need CAP_NET_ADMIN' } },
  SO_MARK: {
    early: true,
    fromKernel: (mark) => mark >>> 0,
    advice: { EPERM: 'Marking packets needs CAP_NET_ADMIN' },
  },
  SO_KEEPALIVE: { fromKernel: Boolean },
  SO_BINDTODEVICE: {
    early: true,
    advice: {
      EINVAL:
        'Only a client can be bound, before it connects: give mptcp.hints.interface to connect()',
      ENODEV: 'There is no interface of this name',
      EPERM: 'Binding to an interface needs CAP_NET_RAW before Linux 5.7',
    },
  },
  TCP_CONGESTION: {
    advice: {
      EPERM:
        'This user may not use it: add it to sysctl net.ipv4.tcp_allowed_congestion_control, or give CAP_NET_ADMIN',
      ENOENT:
        'The kernel has no such congestion control: see sysctl net.ipv4.tcp_available_congestion_control',
    },
  },
};

const PRESETS = {
  latency: { noDelay: true, notsentLowat: 16 * 1024 },
  throughput: { noDelay: false, notsentLowat: 0 },
} as const;

export const ruleOf = (by: OptionHint['by']): Rule => RULES[by] ?? {};
export const isEarly = ({ by }: OptionHint): boolean => ruleOf(by).early === true;

/** The socket options of hints, but for the congestion control, which has a rule of its own. */
export function optionHints(given: SchedulingHints): OptionHint[] {
  const hints = withIntent(given);
  const { optimize, keepAlive } = hints;
  const preset = optimize && PRESETS[optimize];
  const all: [OptionHint['hint'], OptionHint['by'], HintValue | undefined][] = [
    ['interface', 'SO_BINDTODEVICE', hints.interface],
    ['noDelay', 'TCP_NODELAY', hints.noDelay ?? preset?.noDelay],
    ['notsentLowat', 'TCP_NOTSENT_LOWAT', hints.notsentLowat ?? preset?.notsentLowat],
    ['sendBuffer', 'SO_SNDBUF', hints.sendBuffer],
    ['receiveBuffer', 'SO_RCVBUF', hints.receiveBuffer],
    ['dscp', 'IP_TOS', hints.dscp],
    ['priority', 'SO_PRIORITY', hints.priority], // after IP_TOS, which sets it too
    ['mark', 'SO_MARK', hints.mark],
  ];
  if (keepAlive !== undefined) {
    const { idle, interval, count } = keepAlive || {};
    all.push(
      ['keepAlive', 'SO_KEEPALIVE', keepAlive !== false],
      ['keepAlive', 'TCP_KEEPIDLE', idle],
      ['keepAlive', 'TCP_KEEPINTVL', interval],
      ['keepAlive', 'TCP_KEEPCNT', count],
    );
  }
  return all.flatMap(([hint, by, requested]) =>
    requested === undefined ? [] : [{ hint, by, requested }],
  );
}

/** A path that carries nothing is known to be broken after 20 seconds. */
const keepAlive = { idle: 10, interval: 2, count: 5 };
const OPTIONS: Record<Intent, SchedulingHints> = {
  aggregate: { optimize: 'throughput' },
  interactive: { optimize: 'latency' },
  handover: { keepAlive, noDelay: true }, // the last packet on the old path does not wait
  backup: { keepAlive },
};

/** Hints with the intent's options, each unless the hints have it themselves. */
export function withIntent(hints: SchedulingHints): SchedulingHints {
  if (!hints.intent) return hints;
  const given = Object.entries(hints).filter(([, value]) => value !== undefined);
  return { ...OPTIONS[hints.intent], ...Object.fromEntries(given) };
}
