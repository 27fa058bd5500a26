import { checkFlags, type Endpoint, type EndpointFlags, type Endpoints } from './endpoints';
import {
  checkStreamOptions,
  EventStream,
  type EventStreamOptions,
  type Overrun,
} from '../base/event-stream';
import type { Interface, InterfaceAddress, InterfaceEvents } from '../interfaces/interfaces';
import { checkFunction, checkIfGiven } from '../base/arguments';
import { throwIfAborted } from '../kernel/commands';
import { EndpointKeeper, type WantedEndpoint } from './keeper';
import { isUsable } from '../internal/usable-address';

export interface FollowOptions extends EventStreamOptions {
  /**
   * Which addresses get an endpoint, of those that can be used: with global scope, not tentative,
   * deprecated or duplicate, on an interface that is running and not the loopback. All unless given.
   */
  match?: (address: InterfaceAddress, link: Interface) => boolean;
  /** Of each endpoint: `{ subflow: true }` on a client, `{ signal: true }` on a server. */
  flags: EndpointFlags;
}

export type FollowEvent =
  /** One that was there, as asked for and kept by nobody, is taken over. */
  | { type: 'added'; endpoint: Endpoint }
  /** Its address is gone, or can no longer be used. */
  | { type: 'removed'; endpoint: Endpoint }
  /** Its flags are others: of the endpoints that a policy wants alone. */
  | { type: 'updated'; endpoint: Endpoint }
  /** The kernel refused: ERR_MPTCP_LIMIT, … Tried again when an interface or an endpoint changes. */
  | { type: 'refused'; address: InterfaceAddress; error: unknown }
  | Overrun;

function* followed(
  interfaces: Interface[],
  { match = () => true, flags }: FollowOptions,
): Generator<WantedEndpoint> {
  for (const link of interfaces) {
    for (const address of link.addresses) {
      if (!isUsable(address, link) || !match(address, link)) continue;
      yield { options: { ...flags, address: address.address }, address };
    }
  }
}

/** Endpoints that follow the addresses of the namespace's interfaces; closing it deletes them. */
export class FollowedEndpoints extends EventStream<FollowEvent> {
  readonly #keeper: EndpointKeeper;

  /** @internal */
  constructor(endpoints: Endpoints, watch: () => InterfaceEvents, options: FollowOptions) {
    checkStreamOptions(options);
    checkIfGiven(checkFunction, 'options.match', options.match);
    checkFlags('options.flags', options.flags);
    throwIfAborted(options.signal, false);
    let keeper: EndpointKeeper | undefined;
    super(
      (sink) =>
        (keeper = new EndpointKeeper(endpoints, watch(), (all) => followed(all, options), sink)),
      options,
    );
    this.#keeper = keeper as unknown as EndpointKeeper;
  }

  /** Those that it keeps now. */
  get endpoints(): Endpoint[] {
    return this.#keeper.endpoints;
  }
}
