import { isAddress, withoutScope } from '../../base/addresses';
import type { EventSink } from '../../base/event-stream';
import type { FollowEvent } from '../../endpoints/endpoint';
import { EndpointKeeper, type WantedEndpoint } from '../../endpoints/keeper';
import type { NetworkAddress, NetworkInterface } from '../../interfaces/interface';
import { backOff } from '../engine/pacing';
import type { PathPolicy, PolicyView } from '../policy';
import type { DarkPath } from './dark-paths';
import type { PolicyHost } from './host';
import type { ManageOptions } from './manage-options';

const STEADY = 10_000; // ms that an address works which makes up for what was before

/** An address whose paths went dark. */
interface Ailing {
  /** How often, in a row. */
  count: number;
  dark: Set<DarkPath>;
  /** Its endpoint is deleted. */
  resting: boolean;
  timer?: NodeJS.Timeout;
}

/**
 * Keeps the endpoints that a policy wants under the in-kernel path manager. Those of dark paths are
 * dealt with as it was told.
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
        this.#healed(wantedEndpoints(policy, { interfaces: all, leaving: view().leaving })),
      sink,
    );
  }

  /** What the policy wants may have changed. */
  align(): void {
    this.#keeper.align();
  }

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

  alive(path: DarkPath): void {
    const address = withoutScope(path.local.address);
    const ailing = this.#ailing.get(address);
    if (!ailing?.dark.delete(path) || ailing.dark.size > 0) return;
    this.align();
    if (ailing.resting) return;
    ailing.timer = setTimeout(() => this.#ailing.delete(address), STEADY).unref();
  }

  ref(ref: boolean): void {
    if (ref) this.#keeper.ref();
    else this.#keeper.unref();
  }

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

  #healed(wanted: WantedEndpoint[]): WantedEndpoint[] {
    if (this.#healing === 'report') return wanted;
    return wanted.flatMap(({ options, address }) => {
      const ailing = this.#ailing.get(withoutScope(address.address));
      if (ailing?.resting) return [];
      const backup = this.#healing === 'backup' && (ailing?.dark.size ?? 0) > 0;
      return [{ options: backup ? { ...options, backup } : options, address }];
    });
  }
}

type Seen = Parameters<NonNullable<PathPolicy['endpoints']>>[0];
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

/** The endpoints that a policy wants, of addresses that there are. */
export function wantedEndpoints(policy: PathPolicy, view: Seen): WantedEndpoint[] {
  const wanted = policy.endpoints?.(view) ?? [];
  return wanted.flatMap((options) => {
    const address = addressOf(view.interfaces, options.address, options.interface);
    return address ? [{ options, address }] : [];
  });
}
