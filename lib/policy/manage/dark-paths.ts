/** The paths on which nothing comes through, and the events of their becoming so. */
import { type SocketAddress, socketKey, withoutScope } from '../../base/addresses';
import { isDark, isLocallyUp } from '../darkness';
import type { ConnectionView, PathView, PolicyEvent, PolicyView } from '../policy';
import { tokensOf } from '../view-queries';

/** A path on which nothing comes through any more, or came through until now. */
export interface DarkPath {
  /** Identifies the connection in its network namespace, 32 bits. */
  readonly token: number;
  /** The end of the path on this host. */
  readonly local: Readonly<SocketAddress>;
  /** The end of the path on the peer. */
  readonly remote: Readonly<SocketAddress>;
  /** The name of the interface that has the local address; undefined: none has it. */
  readonly interface?: string;
  /** Why it is taken for dark, in English. */
  readonly reason: string;
}

/** What {@link DarkPaths} reports to. */
export interface DarkSink {
  /** The path has become dark. */
  dark(path: DarkPath): void;
  /** The path works again, or another one between the same addresses does. */
  alive(path: DarkPath): void;
}

const keyOf = ({ local, remote }: Pick<PathView, 'local' | 'remote'>): string =>
  `${withoutScope(local.address)} ${socketKey(remote)}`;

function whyDark(view: PolicyView, path: PathView): string | undefined {
  if (path.addressGone) return 'its address is gone';
  if (!isLocallyUp(view, path)) return 'its link is down';
  return isDark(path) ? 'nothing comes back' : undefined;
}

/** Reports when paths become dark, and when they are alive again. */
export class DarkPaths {
  readonly #sink: DarkSink;
  readonly #dark = new Map<number, Map<string, DarkPath>>();

  constructor(sink: DarkSink) {
    this.#sink = sink;
  }

  /** Iterates over the dark paths of all connections. */
  *[Symbol.iterator](): Generator<DarkPath> {
    for (const paths of this.#dark.values()) yield* paths.values();
  }

  /** Compares with the view after an event, as far as the event may have changed it. */
  update(view: PolicyView, event: PolicyEvent): void {
    if (event.type === 'applied') return;
    for (const token of tokensOf(event) ?? view.connections.keys()) {
      const connection = view.connections.get(token);
      if (connection) this.#compare(view, connection);
      else this.#dark.delete(token);
    }
  }

  #compare(view: PolicyView, { token, paths }: ConnectionView): void {
    const known = this.#dark.get(token) ?? new Map<string, DarkPath>();
    for (const path of paths) {
      const reason = whyDark(view, path);
      if (reason === undefined && known.size === 0) continue;
      const key = keyOf(path);
      const before = known.get(key);
      if (reason !== undefined && !before) {
        const { local, remote, interface: device } = path;
        const dark = { token, local, remote, ...(device && { interface: device }), reason };
        known.set(key, dark);
        this.#sink.dark(dark);
      } else if (reason === undefined && before) {
        known.delete(key);
        this.#sink.alive(before);
      }
    }
    if (known.size > 0) this.#dark.set(token, known);
    else this.#dark.delete(token);
  }
}
