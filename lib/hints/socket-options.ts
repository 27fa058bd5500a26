/** The hints that are socket options: which, with which values, and why the kernel refuses them. */
import type { IntegerOption, TextOption } from '../../types/native';
import type { HintName, HintValue, Intent, SchedulingHints } from './hints';

/** One socket option that is to be set. */
export interface OptionHint {
  readonly hint: HintName;
  readonly wanted: HintValue;
  readonly by: IntegerOption | TextOption;
}

interface Rule {
  /** How the kernel shows what was asked for, where that differs. */
  fromKernel?: (value: number) => HintValue;
  toKernel?: (value: number) => number;
  /** Already the first packets are to have it, or the handshake settles it. */
  early?: boolean;
  /** What to do about it, by errno; '' where the kernel took another value. */
  advice?: Record<string, string>;
}

const RULES: Partial<Record<IntegerOption | TextOption, Rule>> = {
  TCP_NODELAY: { fromKernel: Boolean },
  TCP_NOTSENT_LOWAT: {
    advice: { ENOPROTOOPT: 'This kernel has no TCP_NOTSENT_LOWAT for MPTCP' },
  },
  SO_SNDBUF: {
    advice: { '': 'The kernel doubles what is asked for, and allows at most net.core.wmem_max' },
  },
  SO_RCVBUF: {
    early: true, // it decides on the window scale
    advice: { '': 'The kernel doubles what is asked for, and allows at most net.core.rmem_max' },
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
      EINVAL: 'Only a client can be bound, before it connects: say mptcp.hints.interface there',
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

/** Without the congestion control, which has a rule of its own; mostly none. */
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
  return all.flatMap(([hint, by, wanted]) => (wanted === undefined ? [] : [{ hint, by, wanted }]));
}

/** So that a path that carries nothing is known to be gone after 20 seconds. */
const keepAlive = { idle: 10, interval: 2, count: 5 };
const OPTIONS: Record<Intent, SchedulingHints> = {
  aggregate: { optimize: 'throughput' },
  interactive: { optimize: 'latency' },
  handover: { keepAlive, noDelay: true }, // the last packet on a path that is left does not wait
  backup: { keepAlive },
};

/** What is given beside the intent wins. */
export function withIntent(hints: SchedulingHints): SchedulingHints {
  if (!hints.intent) return hints;
  const given = Object.entries(hints).filter(([, value]) => value !== undefined);
  return { ...OPTIONS[hints.intent], ...Object.fromEntries(given) };
}
