/**
 * A lab network with a load balancer: two backends behind one shared address, and a client with two
 * paths.
 */
import type { Namespace } from './namespace';
import { Network } from './network';
import { anywhere, batch, FAMILIES, type Family } from './path-end';
import { until } from './until';

/** The address of host `host` in network `network`: 10.1.0.1 and fd00:1::1 for 1 and 1. */
const addressOf = (family: Family, network: number, host: number): string =>
  family === 4 ? `10.${network}.0.${host}` : `fd00:${network}::${host}`;
const inNetwork = (family: Family, address: string): string =>
  `${address}/${family === 4 ? 24 : 32}`;

const SHARED = 100;
const [FIRST, SECOND, BETWEEN] = [1, 2, 3];
const BEHIND = [11, 12];
const DIRECT = [21, 22];
const GATEWAY = 254;

/** A host with a server that is reached through the balancer, and directly at its own address. */
export interface Backend {
  readonly host: Namespace;
  /** The address to which the balancer forwards connections. */
  readonly behind: string;
  /** The address that bypasses the balancer. */
  readonly own: string;
}

/**
 * Two backends behind one shared address, and a client with two paths: the first leads to the
 * balancer, the second to a router that reaches the backends' own addresses and the balancer.
 */
export class LoadBalanced extends Network {
  readonly client: Namespace;
  readonly balancer: Namespace;
  readonly router: Namespace;
  readonly backends: readonly [Backend, Backend];

  private constructor(readonly family: Family) {
    super();
    this.client = this.host('client');
    this.balancer = this.host('balancer');
    this.router = this.host('router');
    this.backends = [this.#backend(0), this.#backend(1)];
  }

  /** Builds the network; connections to `port` of the shared address go to that port of a backend. */
  static async connect(
    port: number,
    { family = 4 }: { family?: Family } = {},
  ): Promise<LoadBalanced> {
    const lab = new LoadBalanced(family);
    try {
      lab.#cables();
      lab.#routes();
      lab.#balance(port);
      await lab.#up();
      return lab;
    } catch (error) {
      await lab.dispose();
      throw error;
    }
  }

  /** The address to which clients connect. */
  get shared(): string {
    return addressOf(this.family, SHARED, 1);
  }

  /** The client's addresses on its two paths. */
  get paths(): readonly [string, string] {
    return [addressOf(this.family, FIRST, 1), addressOf(this.family, SECOND, 1)];
  }

  #backend(index: 0 | 1): Backend {
    return {
      host: this.host(`backend${index + 1}`),
      behind: addressOf(this.family, BEHIND[index]!, 1),
      own: addressOf(this.family, DIRECT[index]!, 1),
    };
  }

  #cables(): void {
    const cable = (
      network: number,
      [near, device]: readonly [Namespace, string],
      [gateway, port]: readonly [Namespace, string],
    ): void => {
      const peer = ['peer', 'name', port, 'netns', gateway.name];
      near.ip('link', 'add', device, 'type', 'veth', ...peer);
      for (const [host, name, number] of [
        [near, device, 1],
        [gateway, port, GATEWAY],
      ] as const) {
        host.ip('link', 'set', name, 'up');
        for (const family of FAMILIES) {
          const address = inNetwork(family, addressOf(family, network, number));
          host.ip('address', 'add', address, 'dev', name);
        }
      }
    };
    cable(FIRST, [this.client, 'eth1'], [this.balancer, 'client']);
    cable(SECOND, [this.client, 'eth2'], [this.router, 'client']);
    cable(BETWEEN, [this.router, 'balancer'], [this.balancer, 'router']);
    for (const [i, { host }] of this.backends.entries()) {
      cable(BEHIND[i]!, [host, 'eth1'], [this.balancer, `backend${i + 1}`]);
      cable(DIRECT[i]!, [host, 'eth2'], [this.router, `backend${i + 1}`]);
    }
  }

  #routes(): void {
    for (const host of [this.balancer, this.router])
      for (const name of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
        host.sysctl(name, 1);
    for (const family of FAMILIES) {
      const at = (network: number, host: number) => addressOf(family, network, host);
      const via = (network: number, host = GATEWAY) => `via ${at(network, host)}`;
      const direct = DIRECT.map((network) => inNetwork(family, at(network, 0)));
      const all = anywhere(family);
      batch(this.client, family, [
        `route add ${all} ${via(FIRST)}`,
        ...direct.map((network) => `route add ${network} ${via(SECOND)}`),
        `route add ${all} ${via(SECOND)} table 2`,
        `rule add from ${at(SECOND, 1)} lookup 2`,
      ]);
      batch(this.router, family, [`route add ${all} ${via(BETWEEN)}`]);
      batch(this.balancer, family, [
        `route add ${inNetwork(family, at(SECOND, 0))} ${via(BETWEEN, 1)}`,
      ]);
      for (const [i, { host }] of this.backends.entries())
        batch(host, family, [
          `route add ${all} ${via(BEHIND[i]!)}`,
          `route add ${all} ${via(DIRECT[i]!)} table 2`,
          `rule add from ${at(DIRECT[i]!, 1)} lookup 2`,
        ]);
    }
  }

  /** Installs the balancing rules of docs/load-balancing.md. */
  #balance(port: number): void {
    const rules = FAMILIES.map((family) => {
      const ip = family === 4 ? 'ip' : 'ip6';
      const [one, other] = BEHIND.map((network) => addressOf(family, network, 1));
      return `${ip} daddr ${addressOf(family, SHARED, 1)} tcp dport ${port} dnat ${ip} to jhash ${ip} saddr . tcp sport mod 2 map { 0 : ${one}, 1 : ${other} }`;
    });
    this.balancer.nft(`
      table inet balancer {
        chain arriving {
          type nat hook prerouting priority dstnat; policy accept;
          ${rules.join('\n          ')}
        }
      }`);
  }

  async #up(): Promise<void> {
    for (const namespace of this.namespaces)
      await until(`the links of ${namespace.name} are up`, () => namespace.linksAreUp());
  }
}
