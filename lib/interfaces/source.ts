/**
 * Where interface events come from: the kernel's notifications, compared with the last known state,
 * and dumps for what the kernel does not report.
 */
import type {
  NativeInterfaceAddress,
  NativeInterfaceChange,
  NativeLink,
  NativeRoute,
  NativeWatcher,
} from '../../types/native';
import { type EventSink, type EventSource, QUEUE, RECEIVE_BUFFER } from '../base/event-stream';
import { requireNative } from '../kernel/addon';
import { commandError, constructed } from '../kernel/command-errors';
import type { Commands } from '../kernel/commands';
import { LINK_FLAGS, RTPROT_KERNEL } from '../kernel/constants';
import {
  type InterfaceEvent,
  type NetworkInterface,
  publicInterfaceAddress,
  publicLink,
  publicRoute,
  type WatchInterfacesOptions,
} from './interface';

interface State {
  links: Map<number, NativeLink>;
  addresses: Map<string, NativeInterfaceAddress>;
  routes: Map<string, NativeRoute>;
}

const empty = (): State => ({ links: new Map(), addresses: new Map(), routes: new Map() });

const addressKey = ({ interface: index, address, prefixLength }: NativeInterfaceAddress): string =>
  `${index} ${address} ${prefixLength}`;

/** Identifies a route; the kernel's own ones, such as to ff00::/8, exist once for each interface. */
function routeKey(route: NativeRoute): string {
  const { family, table, destination, prefixLength, metric, protocol, nextHops } = route;
  const device = protocol === RTPROT_KERNEL ? nextHops[0]?.interface : undefined;
  return [family, table, destination, prefixLength, metric, device].join(' ');
}

const keyOf = (change: NativeInterfaceChange): string => {
  if ('link' in change) return `link ${change.link.index}`;
  if ('address' in change) return `address ${addressKey(change.address)}`;
  return `route ${routeKey(change.route)}`;
};

const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const isUp = ({ flags }: NativeLink): boolean => (flags & LINK_FLAGS.UP) !== 0;

/** Applies a change to a map, and returns which kind of change it was; undefined: none. */
function note<Key, Item>(
  items: Map<Key, Item>,
  key: Key,
  item: Item,
  removed: boolean,
): 'Added' | 'Changed' | 'Removed' | undefined {
  const known = items.get(key);
  if (removed) return items.delete(key) ? 'Removed' : undefined;
  items.set(key, item);
  if (known === undefined) return 'Added';
  return same(known, item) ? undefined : 'Changed';
}

function* changes<Key, Item>(
  before: Map<Key, Item>,
  after: Map<Key, Item>,
): Generator<['Added' | 'Changed' | 'Removed', Item]> {
  for (const [key, item] of before) if (!after.has(key)) yield ['Removed', item];
  for (const [key, item] of after) {
    const known = before.get(key);
    if (known === undefined) yield ['Added', item];
    else if (!same(known, item)) yield ['Changed', item];
  }
}

/** The source of interface events: the rtnetlink multicast groups, compared with the known state. */
export class WatchedInterfaces implements EventSource<InterfaceEvent> {
  readonly #commands: Commands;
  readonly #sink: EventSink<InterfaceEvent>;
  readonly #watcher: NativeWatcher;
  readonly #routes: boolean;
  readonly #initial: boolean;
  #state = empty();
  /** During a dump, the changes of what it reads, which are applied after it. */
  #waiting: NativeInterfaceChange[] | undefined = [];
  /**
   * Whether dumps read links and addresses too: at first, and after changes were lost. Otherwise
   * only notifications change those, because a dump is ahead of them: what was removed and is in the
   * dump again would be reported as added, removed and added.
   */
  #everything = true;
  #dumpsRequested = 0;
  #ready = false;
  #closed = false;

  constructor(
    commands: Commands,
    options: WatchInterfacesOptions,
    sink: EventSink<InterfaceEvent>,
  ) {
    const { queue = QUEUE, receiveBuffer = RECEIVE_BUFFER } = options;
    this.#commands = commands;
    this.#routes = options.routes ?? true;
    this.#initial = options.initial ?? false;
    this.#sink = sink;
    let begun = false;
    this.#watcher = constructed(
      () =>
        new (requireNative().InterfaceWatcher)(
          commands.netns,
          { receiveBuffer, queue: Math.max(queue, QUEUE) },
          (error, items, overrun) => {
            if (error) sink.fail(commandError(error));
            else if (begun) this.#receive(items, overrun);
            else {
              begun = true;
              void this.#dump();
            }
          },
        ),
    );
  }

  get threadId(): number {
    return this.#watcher.threadId;
  }

  interfaces(): NetworkInterface[] {
    const { links, addresses } = this.#state;
    return Array.from(links.values(), (link) => ({
      ...publicLink(link, links),
      addresses: Array.from(addresses.values())
        .filter((each) => each.interface === link.index)
        .map((each) => publicInterfaceAddress(each, links)),
    }));
  }

  remember(): () => InterfaceEvent[] {
    const { links, addresses, routes } = this.#state;
    const before = {
      links: new Map(links),
      addresses: new Map(addresses),
      routes: new Map(routes),
    };
    return () => difference(before, this.#state);
  }

  ref(): void {
    this.#watcher.ref();
  }

  unref(): void {
    this.#watcher.unref();
  }

  close(): Promise<void> {
    this.#closed = true;
    return new Promise((resolve) => this.#watcher.close(resolve));
  }

  #receive(items: NativeInterfaceChange[], overrun: number): void {
    if (overrun !== 0) {
      this.#sink.deliver([{ type: 'overrun', ...(overrun > 0 && { lost: overrun }) }]);
      this.#everything = true;
      this.#redump();
    }
    for (const item of items) {
      // The kernel does not report IPv4 routes that vanish with a link or an address.
      const state = this.#everything ? undefined : this.#state;
      const needsDump = this.#routes && mayTakeRoutesAway(item, state);
      if (this.#waiting && (this.#everything || 'route' in item)) this.#waiting.push(item);
      else this.#apply(item);
      if (needsDump) this.#redump();
    }
  }

  #apply(change: NativeInterfaceChange): void {
    const event = apply(this.#state, change, this.#routes);
    if (event) this.#sink.deliver([event]);
  }

  #redump(): void {
    this.#dumpsRequested++; // a running dump starts again
    if (!this.#waiting) void this.#dump();
  }

  async #dump(): Promise<void> {
    try {
      let requested: number;
      do {
        requested = this.#dumpsRequested;
        this.#waiting = []; // these are older than the dump that starts now
        const found = await this.#read();
        const before = this.#state;
        this.#state = found;
        if (this.#ready || this.#initial) this.#emit(difference(before, found));
      } while (requested !== this.#dumpsRequested);
    } catch (error) {
      if (!this.#closed) this.#sink.fail(error);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#everything = false;
    // Only the last change of each item counts: one that a later one reverts may predate the dump.
    const last = new Map(waiting.map((change) => [keyOf(change), change]));
    for (const change of last.values()) this.#apply(change);
    if (this.#ready) return;
    this.#ready = true;
    this.#sink.ready();
  }

  #emit(events: InterfaceEvent[]): void {
    if (events.length > 0) this.#sink.deliver(events);
  }

  async #read(): Promise<State> {
    if (!this.#everything) return { ...this.#state, routes: await this.#readRoutes() };
    const links = await this.#commands.links();
    const addresses = await this.#commands.addresses();
    return {
      links: new Map(links.map((link) => [link.index, link])),
      addresses: new Map(addresses.map((address) => [addressKey(address), address])),
      routes: await this.#readRoutes(),
    };
  }

  async #readRoutes(): Promise<State['routes']> {
    const routes = this.#routes ? await this.#commands.routes() : [];
    return new Map(routes.map((route) => [routeKey(route), route]));
  }
}

/** Whether IPv4 routes may have vanished with a change. `state` is undefined while it is dumped. */
function mayTakeRoutesAway(change: NativeInterfaceChange, state: State | undefined): boolean {
  if ('route' in change) return false;
  if (change.kind === 'removed') return true;
  if (!('link' in change) || isUp(change.link)) return false;
  if (!state) return true;
  const before = state.links.get(change.link.index);
  return before !== undefined && isUp(before);
}

function apply(
  { links, addresses, routes }: State,
  change: NativeInterfaceChange,
  withRoutes: boolean,
): InterfaceEvent | undefined {
  const removed = change.kind === 'removed';
  if ('link' in change) {
    const link = publicLink(change.link, links);
    const how = note(links, change.link.index, change.link, removed);
    return how && { type: `link${how}`, link };
  }
  if ('address' in change) {
    const how = note(addresses, addressKey(change.address), change.address, removed);
    return how && { type: `address${how}`, address: publicInterfaceAddress(change.address, links) };
  }
  if (!withRoutes) return undefined;
  const how = note(routes, routeKey(change.route), change.route, removed);
  return how && { type: `route${how}`, route: publicRoute(change.route, links) };
}

function difference(before: State, after: State): InterfaceEvent[] {
  const events: InterfaceEvent[] = [];
  for (const [how, link] of changes(before.links, after.links))
    events.push({ type: `link${how}`, link: publicLink(link, after.links) });
  const names = new Map([...before.links, ...after.links]);
  for (const [how, address] of changes(before.addresses, after.addresses))
    events.push({ type: `address${how}`, address: publicInterfaceAddress(address, names) });
  for (const [how, route] of changes(before.routes, after.routes))
    events.push({ type: `route${how}`, route: publicRoute(route, names) });
  return events;
}
