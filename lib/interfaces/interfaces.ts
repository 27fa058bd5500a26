/** `pm.interfaces`: links, addresses and routes of the namespace, listed and watched. */
import { type Abortable, throwIfAborted } from '../base/abort';
import { checkBoolean, checkIfGiven } from '../base/arguments';
import { checkStreamOptions, EventStream, STREAM_KEYS } from '../base/event-stream';
import { type Commands } from '../kernel/commands';
import type {
  InterfaceEvent,
  NetworkInterface,
  NetworkRoute,
  WatchInterfacesOptions,
} from './interface';
import { byIndex, publicInterfaceAddress, publicLink, publicRoute } from './interface';
import { WatchedInterfaces } from './source';

/** The links and addresses of the commands' namespace. */
export async function listInterfaces(
  commands: Commands,
  abort?: Abortable,
): Promise<NetworkInterface[]> {
  const links = await commands.links(abort);
  const addresses = await commands.addresses(abort);
  const names = byIndex(links);
  return links.map((link) => ({
    ...publicLink(link, names),
    addresses: addresses
      .filter((each) => each.interface === link.index)
      .map((each) => publicInterfaceAddress(each, names)),
  }));
}

/** The network interfaces of the namespace. */
export class Interfaces {
  readonly #commands: Commands;
  readonly #checkOpen: () => void;
  readonly #hold: (stream: InterfaceEvents) => InterfaceEvents;

  /** @internal `hold`: closes the stream with the path manager; `checkOpen` throws after that. */
  constructor(
    commands: Commands,
    checkOpen: () => void,
    hold: (stream: InterfaceEvents) => InterfaceEvents,
  ) {
    this.#commands = commands;
    this.#checkOpen = checkOpen;
    this.#hold = hold;
  }

  /** The interfaces with their addresses, as they are now. */
  list(abort?: Abortable): Promise<NetworkInterface[]> {
    return listInterfaces(this.#commands, abort);
  }

  /** The routes of every table, as they are now. */
  async routes(abort?: Abortable): Promise<NetworkRoute[]> {
    const names = byIndex(await this.#commands.links(abort));
    return (await this.#commands.routes(abort)).map((route) => publicRoute(route, names));
  }

  /** Changes from now on; with `initial: true` preceded by what there is. */
  watch(options: WatchInterfacesOptions = {}): InterfaceEvents {
    this.#checkOpen();
    return this.#hold(new InterfaceEvents(this.#commands, options));
  }
}

/** Changes of links, addresses and routes, one event for each; see {@link EventStream}. */
export class InterfaceEvents extends EventStream<InterfaceEvent> {
  readonly #watched: WatchedInterfaces;

  /** @internal */
  constructor(commands: Commands, options: WatchInterfacesOptions) {
    checkStreamOptions<WatchInterfacesOptions>(options, { ...STREAM_KEYS, routes: true });
    checkIfGiven(checkBoolean, 'options.routes', options.routes);
    throwIfAborted(options.signal, false);
    let watched: WatchedInterfaces | undefined;
    super((sink) => (watched = new WatchedInterfaces(commands, options, sink)), options);
    this.#watched = watched as unknown as WatchedInterfaces;
  }

  /** The interfaces with their addresses, as of the last event. */
  get interfaces(): NetworkInterface[] {
    return this.#watched.interfaces();
  }

  /** The id of the thread that receives the kernel's messages (gettid(2)). */
  get threadId(): number {
    return this.#watched.threadId;
  }
}
