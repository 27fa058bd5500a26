import type { Endpoint, Endpoints } from '../endpoints';
import { MptcpError } from '../errors';
import type { EventSink, EventSource } from '../event-stream';
import type { FollowEvent, FollowOptions } from '../followed-endpoints';
import type { Interface, InterfaceAddress, InterfaceEvents } from '../interfaces';

function isUsable(address: InterfaceAddress, link: Interface): boolean {
  return (
    link.running &&
    !link.loopback &&
    address.scope === 'global' &&
    !address.tentative &&
    !address.deprecated &&
    !address.duplicate
  );
}

const keyOf = ({ interface: device, address }: InterfaceAddress): string => `${device} ${address}`;

/** Brings endpoints in line with addresses, one pass after another while there is a reason. */
export class EndpointKeeper implements EventSource<FollowEvent> {
  readonly #endpoints: Endpoints;
  readonly #interfaces: InterfaceEvents;
  readonly #options: FollowOptions;
  readonly #sink: EventSink<FollowEvent>;
  readonly #kept = new Map<string, Endpoint>();
  readonly #refused = new Set<string>();
  #pass: Promise<void> | undefined;
  #again = 0;
  #closed = false;

  constructor(
    endpoints: Endpoints,
    interfaces: InterfaceEvents,
    options: FollowOptions,
    sink: EventSink<FollowEvent>,
  ) {
    this.#endpoints = endpoints;
    this.#interfaces = interfaces;
    this.#options = options;
    this.#sink = sink;
    interfaces.on('event', () => this.#align()).on('error', (error) => sink.fail(error));
    interfaces.ready.then(
      () => this.#align(),
      () => undefined, // told by `error`
    );
  }

  get endpoints(): Endpoint[] {
    return [...this.#kept.values()];
  }

  remember(): () => FollowEvent[] {
    const before = new Map(this.#kept);
    return () => [
      ...Array.from(before)
        .filter(([key]) => !this.#kept.has(key))
        .map(([, endpoint]) => ({ type: 'removed', endpoint }) as const),
      ...Array.from(this.#kept)
        .filter(([key]) => !before.has(key))
        .map(([, endpoint]) => ({ type: 'added', endpoint }) as const),
    ];
  }

  ref(): void {
    this.#interfaces.ref();
  }

  unref(): void {
    this.#interfaces.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#interfaces.close();
    await this.#pass;
    for (const key of this.#kept.keys()) await this.#remove(key);
  }

  #align(): void {
    this.#again++;
    this.#pass ??= this.#passes().finally(() => (this.#pass = undefined));
  }

  async #passes(): Promise<void> {
    try {
      let seen: number;
      do {
        seen = this.#again;
        await this.#alignOnce();
      } while (seen !== this.#again && !this.#closed);
      this.#sink.ready();
    } catch (error) {
      if (!this.#closed) this.#sink.fail(error);
    }
  }

  async #alignOnce(): Promise<void> {
    const wanted = this.#wanted();
    for (const key of this.#kept.keys()) if (!wanted.has(key)) await this.#remove(key);
    for (const key of this.#refused) if (!wanted.has(key)) this.#refused.delete(key);
    for (const [key, address] of wanted) {
      if (this.#closed) return;
      if (!this.#kept.has(key)) await this.#add(key, address);
    }
  }

  #wanted(): Map<string, InterfaceAddress> {
    const { match = () => true } = this.#options;
    const wanted = new Map<string, InterfaceAddress>();
    for (const link of this.#interfaces.interfaces) {
      for (const address of link.addresses) {
        if (isUsable(address, link) && match(address, link)) wanted.set(keyOf(address), address);
      }
    }
    return wanted;
  }

  async #add(key: string, address: InterfaceAddress): Promise<void> {
    try {
      const { address: text, interface: device } = address;
      const options = { ...this.#options.flags, address: text, interface: device };
      const endpoint = await this.#endpoints.add(options);
      this.#kept.set(key, endpoint);
      this.#refused.delete(key);
      this.#sink.deliver([{ type: 'added', endpoint }]);
    } catch (error) {
      if (!(error instanceof MptcpError) || error.code === 'ERR_MPTCP_PERMISSION') throw error;
      if (this.#refused.has(key)) return;
      this.#refused.add(key);
      this.#sink.deliver([{ type: 'refused', address, error }]);
    }
  }

  async #remove(key: string): Promise<void> {
    const endpoint = this.#kept.get(key);
    if (!endpoint) return;
    this.#kept.delete(key);
    try {
      await this.#endpoints.delete(endpoint.id);
    } catch (error) {
      // Somebody else deleted it.
      if (!(error instanceof MptcpError) || error.code !== 'ERR_MPTCP_NOT_FOUND') throw error;
    }
    this.#sink.deliver([{ type: 'removed', endpoint }]);
  }
}
