/** The endpoints of a policy under the in-kernel path manager, and what becomes of dark ones. */
import { isAddress, withoutScope } from '../../base/addresses';
import type { EventSink } from '../../base/event-stream';
import type { FollowEvent } from '../../endpoints/endpoint';
import { EndpointKeeper, type RequestedEndpoint } from '../../endpoints/keeper';
import type { NetworkAddress, NetworkInterface } from '../../interfaces/interface';
import { backOff } from '../engine/pacing';
import type { PathPolicy, PolicyView } from '../policy';
import type { DarkPath } from './dark-paths';
import type { PolicyHost } from './host';
import type { ManageOptions } from './manage-options';

const STEADY = 10_000; // ms of working after which an address counts as healthy again

/** An address with paths that are dark, or were lately. */
interface Ailing {
  /** How often in a row its endpoint was deleted. */
  count: number;
  dark: Set<DarkPath>;
  /** Whether its endpoint is deleted for now. */
  resting: boolean;
  timer?: NodeJS.Timeout;
}

/**
 * Keeps the endpoints that a policy requests under the in-kernel path manager, and treats those of
 * dark paths as the option `healing` says.
 */
export class KeptEndpoints {
  readonly #keeper: EndpointKeeper;
  readonly #healing: NonNullable<ManageOptions['healing']>;
  readonly #ailing = new Map<string, Ailing>();

  constructor(
    policy: PathPolicy,
    { endpoints, interfaces }: PolicyHost,
    { healing = 'report' }: ManageOptions,
    view: () => PolicyView,
    sink: EventSink<FollowEvent>,
  ) {
    this.#healing = healing;
    this.#keeper = new EndpointKeeper(
      endpoints,
      interfaces.watch({ routes: false }),
      (all: NetworkInterface[]) =>
        this.#healed(requestedEndpoints(policy, { interfaces: all, leaving: view().leaving })),
      sink,
    );
  }

  /** Aligns the endpoints with what the policy requests now. */
  align(): void {
    this.#keeper.align();
  }

  /** A path has become dark. */
  dark(path: DarkPath): void {
    if (this.#healing === 'report') return;
    const address = withoutScope(path.local.address);
    const ailing = this.#ailing.get(address) ?? { count: 0, dark: new Set(), resting: false };
    this.#ailing.set(address, ailing);
    ailing.dark.add(path);
    clearTimeout(ailing.timer);
    if (this.#healing === 'renew' && !ailing.resting) this.#rest(ailing);
    this.align();
  }

  /** A path that was dark works again. */
  alive(path: DarkPath): void {
    const address = withoutScope(path.local.address);
    const ailing = this.#ailing.get(address);
    if (!ailing?.dark.delete(path) || ailing.dark.size > 0) return;
    this.align();
    if (ailing.resting) return;
    ailing.timer = setTimeout(() => this.#ailing.delete(address), STEADY).unref();
  }

  /** Sets whether keeping endpoints keeps the process alive. By default it does not. */
  ref(ref: boolean): void {
    if (ref) this.#keeper.ref();
    else this.#keeper.unref();
  }

  /** Deletes the endpoints. */
  async close(): Promise<void> {
    for (const { timer } of this.#ailing.values()) clearTimeout(timer);
    await this.#keeper.close();
  }

  #rest(ailing: Ailing): void {
    ailing.resting = true;
    ailing.count++;
    ailing.timer = setTimeout(() => {
      ailing.resting = false;
      this.align();
    }, backOff(ailing.count)).unref();
  }

  #healed(requested: RequestedEndpoint[]): RequestedEndpoint[] {
    if (this.#healing === 'report') return requested;
    return requested.flatMap(({ options, address }) => {
      const ailing = this.#ailing.get(withoutScope(address.address));
      if (ailing?.resting) return [];
      const backup = this.#healing === 'backup' && (ailing?.dark.size ?? 0) > 0;
      return [{ options: backup ? { ...options, backup } : options, address }];
    });
  }
}

type EndpointsView = Parameters<NonNullable<PathPolicy['endpoints']>>[0];

function addressOf(
  interfaces: readonly NetworkInterface[],
  address: string,
  device: string | undefined,
): NetworkAddress | undefined {
  return interfaces
    .filter(({ name }) => device === undefined || name === device)
    .flatMap(({ addresses }) => addresses)
    .find((each) => isAddress(each.address, address));
}

/** The endpoints that a policy requests, without those whose address no interface has. */
export function requestedEndpoints(policy: PathPolicy, view: EndpointsView): RequestedEndpoint[] {
  const requested = policy.endpoints?.(view) ?? [];
  return requested.flatMap((options) => {
    const address = addressOf(view.interfaces, options.address, options.interface);
    return address ? [{ options, address }] : [];
  });
}
