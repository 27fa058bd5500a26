/**
 * A path between two hosts, with an optional router, that tests cut, restore and put middleboxes
 * into.
 */
import { type Middlebox, blackhole, install } from './middleboxes';
import type { Namespace } from './namespace';
import { FAMILIES, type PathEnd, type Side, anywhere, batch } from './path-end';
import { Relay } from './relay';
import { until } from './until';

export type Direction = 'toClient' | 'toServer';

/** A router in the middle of a path. Its devices are named after the host to which they lead. */
export class Router {
  readonly #delay: Relay | undefined;

  private constructor(
    readonly namespace: Namespace,
    relay: Relay | undefined,
  ) {
    this.#delay = relay;
  }

  static async between(
    client: PathEnd,
    server: PathEnd,
    namespace: Namespace,
    delay?: number,
  ): Promise<Router> {
    const forward = (from: string, to: string, table: number, next?: PathEnd): void => {
      for (const family of FAMILIES) {
        const via = next === undefined ? '' : `via ${next.addresses[family]}`;
        batch(namespace, family, [
          `rule add iif ${from} lookup ${table}`,
          `route add ${anywhere(family)} ${via} dev ${to} table ${table}`,
        ]);
      }
    };
    for (const name of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
      namespace.sysctl(name, 1);
    client.connect(namespace, 'client');
    server.connect(namespace, 'server');
    if (delay === undefined) {
      forward('client', 'server', 1, server);
      forward('server', 'client', 2, client);
      return new Router(namespace, undefined);
    }
    const relay = await Relay.start(namespace, ['relay-client', 'relay-server'], delay);
    forward('client', 'relay-client', 1);
    forward('relay-server', 'server', 2, server);
    forward('server', 'relay-server', 3);
    forward('relay-client', 'client', 4, client);
    return new Router(namespace, relay);
  }

  /**
   * Limits the rate to the server, with a queue of `queue` bytes before it. Unlike a host's own queue,
   * before which TCP holds data back, a router's fills as far as the senders' windows allow.
   */
  limitRate(rate: string, queue: number): void {
    const tbf = ['tbf', 'rate', rate, 'burst', '64kb', 'limit', String(queue)];
    this.namespace.tc('qdisc', 'replace', 'dev', 'server', 'root', ...tbf);
  }

  async up(): Promise<void> {
    await until('the router is up', () => this.namespace.linksAreUp());
  }

  /** Sets the delay of each direction, in milliseconds. */
  async setDelay(delay: number): Promise<void> {
    if (this.#delay === undefined) throw new Error('this path was made without a delay');
    await this.#delay.setDelay(delay);
  }
}

/** A path between client and server. */
export class Path {
  #repairs: (() => Promise<void> | void)[] = [];

  constructor(
    readonly client: PathEnd,
    readonly server: PathEnd,
    readonly router?: Router,
  ) {}

  /** Puts a middlebox into the path, for both directions or one; returns a function that removes it. */
  insert(middlebox: Middlebox, direction?: Direction): () => void {
    const arrivals: Record<Direction, [Namespace, string]> = this.router
      ? {
          toClient: [this.router.namespace, 'server'],
          toServer: [this.router.namespace, 'client'],
        }
      : {
          toClient: [this.client.namespace, this.client.device],
          toServer: [this.server.namespace, this.server.device],
        };
    const removals = Object.entries(arrivals)
      .filter(([name]) => direction === undefined || name === direction)
      .map(([, [namespace, device]]) => install(middlebox, namespace, device));
    return () => removals.forEach((remove) => remove());
  }

  /** Cuts the path: silently, so that packets are lost, or by setting a host's link down. */
  cut(how: { silent: true } | { link: true; side?: Side }): void {
    if ('silent' in how) {
      this.#repairs.push(this.insert(blackhole));
      return;
    }
    const end = how.side === 'server' ? this.server : this.client;
    end.setLink('down');
    this.#repairs.push(() => end.configure());
  }

  /** Undoes every cut, and waits until the links are up. */
  async restore(): Promise<void> {
    for (const repair of this.#repairs.splice(0)) await repair();
    await this.up();
  }

  async up(): Promise<void> {
    await Promise.all([this.client.up(), this.server.up(), this.router?.up()]);
  }

  /** Limits the rate of both directions, as tc writes it: '50mbit'. */
  limitRate(rate: string): void {
    this.client.limitRate(rate);
    this.server.limitRate(rate);
  }
}
