/**
 * Many clients that speak MPTCP without this package: plain sockets of the kernel, whose in-kernel path
 * manager makes and drops subflows.
 */
import type { Namespace } from '../../lab/namespace';
import { Network } from '../../lab/network';
import { ForeignClient } from './foreign-processes';

/** The addresses of the strangers: one for the connections, the others for further subflows. */
const address = (n: number): string => `10.99.0.${n}`;

export interface StrangersOptions {
  /** How many connections they open. */
  connections: number;
  /** How many further subflows each connection gets. */
  subflows: number;
}

/** A server's host, and a host of strangers that is joined to it by one link. */
export class Strangers extends Network {
  readonly server: Namespace;
  readonly strangers: Namespace;
  readonly #options: StrangersOptions;
  #client: ForeignClient | undefined;

  constructor(options: StrangersOptions) {
    super();
    this.#options = options;
    this.server = this.host('server');
    this.strangers = this.host('strangers');
    const peer = ['peer', 'name', 'eth0', 'netns', this.server.name];
    this.strangers.ip('link', 'add', 'eth0', 'type', 'veth', ...peer);
    for (let n = 1; n <= options.subflows + 1; n++)
      this.strangers.ip('address', 'add', `${address(n)}/24`, 'dev', 'eth0');
    this.server.ip('address', 'add', `${this.address}/24`, 'dev', 'eth0');
    for (const host of [this.server, this.strangers]) {
      host.ip('link', 'set', 'eth0', 'up');
      host.limits({ subflows: 8, addAddrAccepted: 8 });
    }
  }

  /** The address of the server. */
  readonly address = address(100);

  /** Opens the connections; resolves when the server has answered on each of them. */
  async connect(port: number): Promise<void> {
    const { connections } = this.#options;
    this.#client = await ForeignClient.connect(this.strangers, this.address, port, connections);
  }

  /** Makes the further subflows of all connections. */
  makeSubflows(): void {
    for (let n = 2; n <= this.#options.subflows + 1; n++)
      this.strangers.addEndpoint(address(n), 'subflow');
  }

  /** Drops them. */
  dropSubflows(): void {
    this.strangers.ip('mptcp', 'endpoint', 'flush');
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}
