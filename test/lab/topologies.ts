/** The topologies of most tests: a client and a server, joined by one or more paths. */
import type { Namespace } from './namespace';
import { Network } from './network';
import { Path, Router } from './path';
import { type Family, PathEnd, type Side } from './path-end';

export interface PathOptions {
  /** The rate of each direction, as tc writes it: '50mbit'. Unlimited unless given. */
  rate?: string;
  /** A router between client and server. */
  router?: boolean;
  /** Propagation delay of each direction in milliseconds, for which packets wait at the router. */
  delay?: number;
}

export interface HostsOptions {
  /** The family that `address` returns; every host has addresses of both families. */
  family?: Family;
  /** Which side adds the paths after the first: the client by subflow endpoints, the server by signal endpoints. */
  join?: Side | 'none';
  /** The limits of both hosts' in-kernel path managers. */
  limits?: { subflows: number; addAddrAccepted: number };
}

/** A client and a server with paths between them. */
export class Hosts<Paths extends readonly Path[] = readonly Path[]> extends Network {
  readonly client: Namespace;
  readonly server: Namespace;
  #paths: Path[] = [];

  private constructor(readonly family: Family) {
    super();
    this.client = this.host('client');
    this.server = this.host('server');
  }

  static async connect<const Options extends readonly PathOptions[]>(
    paths: Options,
    { family = 4, join = 'client', limits = { subflows: 8, addAddrAccepted: 8 } }: HostsOptions,
  ): Promise<Hosts<{ [Index in keyof Options]: Path }>> {
    const hosts = new Hosts<{ [Index in keyof Options]: Path }>(family);
    try {
      for (const options of paths) await hosts.#connect(options);
      hosts.client.limits(limits);
      hosts.server.limits(limits);
      for (const path of hosts.#paths.slice(1)) {
        if (join === 'client') path.client.addEndpoint('subflow');
        if (join === 'server') path.server.addEndpoint('signal');
      }
      return hosts;
    } catch (error) {
      await hosts.dispose();
      throw error;
    }
  }

  get paths(): Paths {
    return this.#paths as readonly Path[] as Paths;
  }

  async #connect({ rate, router = false, delay }: PathOptions): Promise<void> {
    const number = this.#paths.length + 1;
    const routed = router || delay !== undefined;
    const client = new PathEnd(this.client, number, 'client', routed, this.family);
    const server = new PathEnd(this.server, number, 'server', routed, this.family);
    if (!routed) client.connect(this.server, server.device);
    const path = routed
      ? new Path(
          client,
          server,
          await Router.between(client, server, this.host(`router${number}`), delay),
        )
      : new Path(client, server);
    client.configure();
    client.routeBySource();
    server.configure();
    if (rate !== undefined) path.limitRate(rate);
    await path.up();
    this.#paths.push(path);
  }
}

/** A client and a server joined by two paths; by default the client has an endpoint for the second. */
export function twoPaths({
  paths: [first, second] = [{}, {}],
  ...options
}: HostsOptions & { paths?: readonly [PathOptions, PathOptions] } = {}): Promise<
  Hosts<readonly [Path, Path]>
> {
  return Hosts.connect([first, second], options);
}
