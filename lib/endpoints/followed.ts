/** `pm.endpoints.follow()`: endpoints that follow the addresses of interfaces. */
import { throwIfAborted } from '../base/abort';
import { checkFunction, checkIfGiven } from '../base/arguments';
import { checkStreamOptions, EventStream, STREAM_KEYS } from '../base/event-stream';
import type { NetworkInterface } from '../interfaces/interface';
import { isUsable } from '../interfaces/interface';
import type { InterfaceEvents } from '../interfaces/interfaces';
import type { EndpointStore, FollowEvent, FollowOptions } from './endpoint';
import { checkFlags, type Endpoint, FLAG_KEYS } from './endpoint';
import { EndpointKeeper, type RequestedEndpoint } from './keeper';

function* followed(
  interfaces: NetworkInterface[],
  { match = () => true, flags }: FollowOptions,
): Generator<RequestedEndpoint> {
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
  constructor(endpoints: EndpointStore, watch: () => InterfaceEvents, options: FollowOptions) {
    checkStreamOptions<FollowOptions>(options, {
      ...STREAM_KEYS,
      match: true,
      flags: FLAG_KEYS,
    });
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

  /** The endpoints that it keeps now. */
  get endpoints(): Endpoint[] {
    return this.#keeper.endpoints;
  }
}
