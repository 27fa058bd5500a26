/** What servers behind a layer-4 load balancer need of MPTCP: see docs/load-balancing.md. */
import type { NativeHeldSocket } from '../../types/native';
import type { Abortable } from '../base/abort';
import { canonicalAddress, familyOf } from '../base/addresses';
import {
  checkAbortable,
  checkAddress,
  checkBoolean,
  checkIfGiven,
  checkInterface,
  checkKeys,
  checkPort,
  type Keys,
  SIGNAL_APART,
} from '../base/arguments';
import { AbortError, MptcpError } from '../base/errors';
import type { Endpoint } from '../endpoints/endpoint';
import type { Endpoints } from '../endpoints/endpoints';
import type { Commands } from '../kernel/commands';
import { sysctlPath, type Sysctls } from '../kernel/sysctls';
import type { ModeControl } from '../userspace/mode';
import type { Userspace } from '../userspace/userspace';
import { Announcer } from './announcer';
import { enlist, exclusively, findUsers, isSame, type User, usersOf } from './load-balancer-users';

const SETTING = 'allow_join_initial_addr_port';
const KEYS: Keys<LoadBalancerOptions> = {
  address: true,
  interface: true,
  port: true,
  takeOver: true,
};

/** What {@link PathManager.behindLoadBalancer} takes. */
export interface LoadBalancerOptions {
  /** An address of this host alone, which leads clients here and not to the balancer. */
  address: string;
  /** The name of the interface that has the address. */
  interface?: string;
  /** The port for joins; unless given, the one that clients connect to. */
  port?: number;
  /**
   * Whether settings that are there already, and that no process holds, were left by a killed process
   * and are to be undone as well (false: somebody else has set them, and they stay).
   */
  takeOver?: boolean;
}

/** @internal The members of a path manager that this needs. */
export interface Means {
  commands: Commands;
  endpoints: Endpoints;
  sysctls: Sysctls;
  mode: ModeControl;
  userspace: Userspace;
}

/** What one call has set, and what of it is its own to undo. */
interface Held {
  user: User;
  name: NativeHeldSocket;
  endpoint?: Endpoint;
  announcements?: Announcer;
}

/**
 * Denies joins to the address that clients connect to, and announces another one, until it is closed
 * or the process exits. The last of several processes undoes what they have set; it stays when all of
 * them are killed: see `takeOver`.
 */
export class BehindLoadBalancer implements AsyncDisposable {
  /** The endpoint that announces the address; undefined in userspace mode, which needs none. */
  readonly endpoint?: Endpoint;
  readonly #means: Means;
  readonly #held: Held;
  readonly #ended: (self: BehindLoadBalancer) => void;
  #closed: Promise<void> | undefined;

  private constructor(means: Means, held: Held, ended: (self: BehindLoadBalancer) => void) {
    this.#means = means;
    this.#held = held;
    this.#ended = ended;
    if (held.endpoint) this.endpoint = held.endpoint;
    process.once('exit', this.#atExit);
  }

  /** @internal Use {@link PathManager.behindLoadBalancer}. */
  static async begin(
    means: Means,
    options: LoadBalancerOptions,
    abort: Abortable | undefined,
    ended: (self: BehindLoadBalancer) => void,
  ): Promise<BehindLoadBalancer> {
    checkKeys<LoadBalancerOptions>('options', options, KEYS, SIGNAL_APART);
    checkAddress('options.address', options.address);
    checkIfGiven(checkInterface, 'options.interface', options.interface);
    checkIfGiven(checkPort, 'options.port', options.port);
    checkIfGiven(checkBoolean, 'options.takeOver', options.takeOver);
    checkAbortable(abort);
    const signal = abort?.signal;
    return exclusively(means.commands, signal, async () => {
      const held = await setUp(means, options, signal);
      return new BehindLoadBalancer(means, held, ended);
    });
  }

  /** Undoes what nobody else needs. Further calls give the same promise. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Calls close(). */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    process.off('exit', this.#atExit);
    const { commands } = this.#means;
    await exclusively(commands, undefined, () => undo(this.#means, this.#held));
    this.#ended(this);
  }

  /** Undoes as much as it can without waiting for another process that does so at the same time. */
  readonly #atExit = (): void => {
    const { user: own, name, endpoint } = this.#held;
    const { commands } = this.#means;
    name.close();
    commands.finish((native) =>
      findUsers(native, (others) => {
        if (endpoint && isLastOf(own, others))
          native.run([{ command: 'deleteEndpoint', id: endpoint.id }], () => undefined);
        if (others.length === 0 && own.joinsAllowed)
          native.writeFile(sysctlPath(SETTING), '1', () => undefined);
      }),
    );
  };
}

const isLastOf = (own: User, others: User[]): boolean =>
  own.added && !others.some((other) => isSame(other, own));

async function setUp(
  means: Means,
  options: LoadBalancerOptions,
  signal: AbortSignal | undefined,
): Promise<Held> {
  const { commands, sysctls, mode } = means;
  const others = await usersOf(commands);
  const { port = 0, takeOver = false } = options;
  const joinsAllowed = others[0]?.joinsAllowed ?? (takeOver || (await sysctls.get(SETTING)));
  if (port !== 0 && familyOf(options.address) === 6) await warnOfTimestamps(commands);
  const own = { joinsAllowed, added: false, address: canonicalAddress(options.address), port };
  const byConnection = (await mode.get()).mode === 'userspace';
  const { endpoint, added = false } = byConnection ? {} : await announce(means, options, others);
  const held: Partial<Held> = { user: { ...own, added }, ...(endpoint && { endpoint }) };
  try {
    held.name = await enlist(commands, { ...own, added });
    if (signal?.aborted) throw new AbortError(signal, false);
    await sysctls.set(SETTING, false);
    if (signal?.aborted) throw new AbortError(signal, false);
    if (byConnection) {
      const { userspace } = means;
      held.announcements = new Announcer(userspace, own.address, options.port);
    }
    return held as Held;
  } catch (error) {
    await undo(means, held as Held);
    throw error;
  }
}

let warned = false;

/** A TCP header has 40 bytes for options: timestamps need 12, and the announcement 30. */
async function warnOfTimestamps(commands: Commands): Promise<void> {
  const text = await commands.readFile('/proc/sys/net/ipv4/tcp_timestamps');
  if (warned || text.trim() === '0') return;
  warned = true;
  process.emitWarning(
    'An announced IPv6 address with a port does not fit beside TCP timestamps, and Linux 6.18 drops ' +
      'it: set net.ipv4.tcp_timestamps=0 on this host, or leave the port out',
    { type: 'MptcpWarning', code: 'MPTCP_ANNOUNCE' },
  );
}

/** Adds the endpoint, or finds the one that another process has added. */
async function announce(
  { endpoints }: Means,
  { address, port, interface: device, takeOver = false }: LoadBalancerOptions,
  others: User[],
): Promise<{ endpoint: Endpoint; added: boolean }> {
  try {
    const endpoint = await endpoints.add({
      ...{ address, signal: true },
      ...(port !== undefined && { port }),
      ...(device !== undefined && { interface: device }),
    });
    return { endpoint, added: true };
  } catch (error) {
    if (!(error instanceof MptcpError) || error.code !== 'ERR_MPTCP_EXISTS') throw error;
    const requested = { address: canonicalAddress(address), port: port ?? 0 };
    const endpoint = (await endpoints.list()).find((each) => isAt(each, requested));
    if (endpoint?.signal) {
      const holders = others.filter((other) => isSame(other, requested));
      return {
        endpoint,
        added: holders.length > 0 ? holders.some((each) => each.added) : takeOver,
      };
    }
    const { errno, command, extack } = error;
    const details = { errno, command, extack, cause: error };
    throw new MptcpError(error.code, why(requested, endpoint), details);
  }
}

function why({ address, port }: { address: string; port: number }, endpoint?: Endpoint): string {
  return endpoint
    ? `The endpoint ${endpoint.id} has ${address} already, and does not announce it: delete it by ` +
        `pm.endpoints.delete(${endpoint.id}), or give a port to listen at for joins`
    : `Another program listens at port ${port} of ${address}: give another one for joins, ` +
        'or leave it out where the server itself listens there';
}

const isAt = (endpoint: Endpoint, { address, port }: { address: string; port: number }): boolean =>
  endpoint.address === address && (endpoint.port ?? 0) === port;

async function undo(means: Means, { name, ...held }: Held): Promise<void> {
  const { commands, endpoints, sysctls } = means;
  const { user: own, endpoint, announcements } = held;
  await announcements?.close();
  (name as NativeHeldSocket | undefined)?.close();
  const others = await usersOf(commands);
  if (endpoint && isLastOf(own, others)) {
    // Somebody may have deleted the endpoint, and added another one with its id.
    const [same] = (await endpoints.list()).filter((each) => isAt(each, own));
    if (same) await endpoints.delete(same.id);
  }
  if (others.length === 0 && own.joinsAllowed) await sysctls.set(SETTING, true);
}
