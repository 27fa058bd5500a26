/** Keeps endpoints of addresses that come and go, for `follow()` and for policies. */
import { MptcpError } from '../base/errors';
import type { EventSink, EventSource } from '../base/event-stream';
import type { NetworkAddress, NetworkInterface } from '../interfaces/interface';
import type { InterfaceEvents } from '../interfaces/interfaces';
import type { EndpointStore, FollowEvent } from './endpoint';
import { type Endpoint, type EndpointOptions, flagsOf, type KeptEndpoint } from './endpoint';

/** An endpoint that shall exist, for an address that an interface has. */
export interface RequestedEndpoint {
  readonly options: EndpointOptions;
  readonly address: NetworkAddress;
}

interface Kept extends KeptEndpoint {
  /** The flags that were requested, as bits. */
  flags: number;
}

/** The flags that the kernel can change of an endpoint that exists. */
const SETTABLE = flagsOf({ backup: true, fullmesh: true });

/** Identifies a requested endpoint: one with other unchangeable flags is another endpoint. */
const keyOf = ({ options, address }: RequestedEndpoint): string =>
  [address.interface, address.address, options.port, flagsOf(options) & ~SETTABLE].join(' ');

/** Whether somebody else has deleted the endpoint. */
const isGone = (error: unknown): boolean =>
  error instanceof MptcpError && error.code === 'ERR_MPTCP_NOT_FOUND';

/** Adds, updates and deletes endpoints until the kernel has exactly the requested ones. */
export class EndpointKeeper implements EventSource<FollowEvent> {
  readonly #endpoints: EndpointStore;
  readonly #interfaces: InterfaceEvents;
  readonly #requested: (interfaces: NetworkInterface[]) => Iterable<RequestedEndpoint>;
  readonly #sink: EventSink<FollowEvent>;
  readonly #kept = new Map<string, Kept>();
  readonly #refused = new Set<string>();
  #pass: Promise<void> | undefined;
  #again = 0;
  #closed = false;

  constructor(
    endpoints: EndpointStore,
    interfaces: InterfaceEvents,
    requested: (interfaces: NetworkInterface[]) => Iterable<RequestedEndpoint>,
    sink: EventSink<FollowEvent>,
  ) {
    this.#endpoints = endpoints;
    this.#interfaces = interfaces;
    this.#requested = requested;
    this.#sink = sink;
    interfaces.on('event', () => this.align()).on('error', (error) => sink.fail(error));
    interfaces.ready.then(
      () => this.align(),
      () => undefined, // `error` reports it
    );
  }

  get endpoints(): Endpoint[] {
    return Array.from(this.#kept.values(), ({ endpoint }) => endpoint);
  }

  remember(): () => FollowEvent[] {
    const before = new Map(this.#kept);
    return () => [
      ...Array.from(before)
        .filter(([key]) => !this.#kept.has(key))
        .map(([, { endpoint }]) => ({ type: 'removed', endpoint }) as const),
      ...Array.from(this.#kept)
        .filter(([key]) => !before.has(key))
        .map(([, { endpoint }]) => ({ type: 'added', endpoint }) as const),
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

  /** Starts a pass, because the requested endpoints may have changed. */
  align(): void {
    if (this.#closed) return;
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
    const requested = new Map(
      Array.from(this.#requested(this.#interfaces.interfaces), (each) => [keyOf(each), each]),
    );
    for (const key of this.#kept.keys()) if (!requested.has(key)) await this.#remove(key);
    for (const key of this.#refused) if (!requested.has(key)) this.#refused.delete(key);
    for (const [key, each] of requested) {
      if (this.#closed) return;
      const kept = this.#kept.get(key);
      if (!kept) await this.#add(key, each);
      else if (kept.flags !== flagsOf(each.options)) await this.#update(key, kept, each);
    }
  }

  async #add(key: string, { options, address }: RequestedEndpoint): Promise<void> {
    try {
      const kept = await this.#endpoints.keep({ ...options, interface: address.interface });
      this.#kept.set(key, { ...kept, flags: flagsOf(options) });
      this.#refused.delete(key);
      this.#sink.deliver([{ type: 'added', endpoint: kept.endpoint }]);
    } catch (error) {
      if (!(error instanceof MptcpError) || error.code === 'ERR_MPTCP_PERMISSION') throw error;
      if (this.#refused.has(key)) return;
      this.#refused.add(key);
      this.#sink.deliver([{ type: 'refused', address, error }]);
    }
  }

  async #update(key: string, kept: Kept, requested: RequestedEndpoint): Promise<void> {
    const { backup = false, fullmesh = false } = requested.options;
    try {
      kept.endpoint = await this.#endpoints.update(kept.endpoint.id, { backup, fullmesh });
      kept.flags = flagsOf(requested.options);
      this.#sink.deliver([{ type: 'updated', endpoint: kept.endpoint }]);
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#kept.delete(key);
      kept.release();
      await this.#add(key, requested);
    }
  }

  async #remove(key: string): Promise<void> {
    const kept = this.#kept.get(key);
    if (!kept) return;
    const { endpoint, release } = kept;
    this.#kept.delete(key);
    try {
      await this.#endpoints.delete(endpoint.id);
    } catch (error) {
      if (!isGone(error)) throw error;
    } finally {
      release();
    }
    this.#sink.deliver([{ type: 'removed', endpoint }]);
  }
}
