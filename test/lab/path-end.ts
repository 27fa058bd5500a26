/** The end of a path on one host: a device with its addresses, routes and rate. */
import type { Namespace } from './namespace';
import { until } from './until';

export type Family = 4 | 6;
export type Side = 'client' | 'server';

export const FAMILIES: readonly Family[] = [4, 6];

interface Addresses {
  address: string;
  gateway: string;
  /** The prefix length of the address on the link. */
  length: number;
}

/** Addresses of path 1: 10.1.1.1, fd00:1:1::1 at the client, 10.1.2.1, fd00:1:2::1 at the server. */
const addressing = (path: number, side: Side, routed: boolean): Record<Family, Addresses> => {
  const [near, far] = side === 'client' ? [1, 2] : [2, 1];
  return {
    4: {
      address: `10.${path}.${near}.1`,
      gateway: routed ? `10.${path}.${near}.254` : `10.${path}.${far}.1`,
      length: routed ? 24 : 16,
    },
    6: {
      address: `fd00:${path}:${near}::1`,
      gateway: routed ? `fd00:${path}:${near}::fe` : `fd00:${path}:${far}::1`,
      length: routed ? 48 : 32,
    },
  };
};

const prefix = (family: Family, path: number): string =>
  family === 4 ? `10.${path}.0.0/16` : `fd00:${path}::/32`;

export const anywhere = (family: Family): string => (family === 4 ? '0.0.0.0/0' : '::/0');

/** The device at which a path ends on a host, with its addresses. */
export class PathEnd {
  readonly device: string;
  readonly #addressing: Record<Family, Addresses>;

  constructor(
    readonly namespace: Namespace,
    readonly path: number,
    readonly side: Side,
    readonly routed: boolean,
    readonly family: Family,
  ) {
    this.device = `eth${path}`;
    this.#addressing = addressing(path, side, routed);
  }

  get address(): string {
    return this.addresses[this.family];
  }

  get addresses(): Record<Family, string> {
    return { 4: this.#addressing[4].address, 6: this.#addressing[6].address };
  }

  /** Creates the veth pair to the next host, whose end gets the gateway's addresses if routed. */
  connect(next: Namespace, device: string): void {
    const peer = ['peer', 'name', device, 'netns', next.name];
    this.namespace.ip('link', 'add', this.device, 'type', 'veth', ...peer);
    if (!this.routed) return;
    next.ip('link', 'set', device, 'up');
    for (const family of FAMILIES) {
      const { gateway, length } = this.#addressing[family];
      next.ip('address', 'add', `${gateway}/${length}`, 'dev', device);
    }
  }

  /** Sets the link up with its addresses and routes; to be repeated after the device was down. */
  configure(): void {
    this.namespace.ip('link', 'set', this.device, 'up');
    for (const family of FAMILIES) {
      const { address, gateway, length } = this.#addressing[family];
      const via = `via ${gateway} dev ${this.device}`;
      const commands = [`address replace ${address}/${length} dev ${this.device}`];
      if (this.routed) commands.push(`route replace ${prefix(family, this.path)} ${via}`);
      // As on a multihomed client, the source address selects the path; the server's answers take
      // the path of the destination.
      if (this.side === 'client')
        commands.push(`route replace ${anywhere(family)} ${via} table ${this.path}`);
      batch(this.namespace, family, commands);
    }
  }

  /** Routes packets from this end's addresses over this path, whatever their destination. */
  routeBySource(): void {
    for (const family of FAMILIES)
      batch(this.namespace, family, [
        `rule add from ${this.addresses[family]} lookup ${this.path}`,
      ]);
  }

  limitRate(rate: string): void {
    const tbf = ['tbf', 'rate', rate, 'burst', '64kb', 'latency', '50ms'];
    this.namespace.tc('qdisc', 'replace', 'dev', this.device, 'root', ...tbf);
  }

  /** Adds the address as an endpoint; `args` are those of `ip mptcp endpoint add`. */
  addEndpoint(...args: string[]): void {
    this.namespace.addEndpoint(this.address, 'dev', this.device, ...args);
  }

  removeAddress(): void {
    const { address, length } = this.#addressing[this.family];
    this.namespace.ip('address', 'delete', `${address}/${length}`, 'dev', this.device);
  }

  addAddress(): void {
    this.configure();
  }

  setLink(state: 'up' | 'down'): void {
    this.namespace.ip('link', 'set', this.device, state);
  }

  /** The bytes that the device has received and sent. */
  traffic(): { received: number; sent: number } {
    const { stats64 } = this.#link();
    return { received: stats64.rx.bytes, sent: stats64.tx.bytes };
  }

  async up(): Promise<void> {
    await until(`${this.device} is up`, () => this.#link().operstate === 'UP');
  }

  #link(): Link {
    const links = this.namespace.ip('-j', '-s', 'link', 'show', 'dev', this.device);
    return (JSON.parse(links) as [Link])[0];
  }
}

interface Link {
  operstate: string;
  stats64: { rx: { bytes: number }; tx: { bytes: number } };
}

/** Runs commands of ip(8) for one address family in one process. */
export const batch = (namespace: Namespace, family: Family, lines: readonly string[]): void =>
  void namespace.exec('ip', [`-${family}`, '-batch', '-'], { input: `${lines.join('\n')}\n` });
