import type { NativeCommand, NativeEndpoint, NativeLimits } from '../../types/native';
import { isAddress, subflowKey } from '../base/addresses';
import { MptcpError } from '../base/errors';
import { AsyncPoller } from '../base/poller';
import type { AnnouncedEvent, EstablishedEvent, SubflowEventBase } from '../events/events';
import type { PathManagerEvents } from '../events/stream';
import type { Commands } from '../kernel/commands';
import { idFor } from './address-ids';
import {
  accept,
  type Config,
  forget,
  isBackup,
  manage,
  type Managed,
  open,
  prioritize,
} from './kernel-like-policy';

const INTERVAL = 1000;

/**
 * What the kernel told of before it told of this, such as a socket that is connected, has its turn
 * first: so those who claim a connection know it.
 */
const later =
  <Event>(handle: (event: Event) => void) =>
  (event: Event): void =>
    void setImmediate(setImmediate, () => handle(event));

/**
 * Carries out the default policy for the connections that userspace manages and nobody else does:
 * those of other processes in the first place.
 */
export class KernelLikeManager {
  readonly #commands: Commands;
  readonly #events: PathManagerEvents;
  readonly #except: (connection: EstablishedEvent) => boolean;
  readonly #connections = new Map<number, Managed>();
  readonly #poller = new AsyncPoller(() => this.#refresh(), { interval: INTERVAL });
  #config: Config = { endpoints: [], limits: { subflows: 0, addAddrAccepted: 0 } };

  constructor(
    commands: Commands,
    events: PathManagerEvents,
    except: (connection: EstablishedEvent) => boolean,
  ) {
    this.#commands = commands;
    this.#events = events;
    this.#except = except;
    events
      .on(
        'established',
        later((event) => void this.#begin(event)),
      )
      .on(
        'closed',
        later(({ token }) => this.forget(token)),
      )
      .on(
        'announced',
        later((event) => void this.#announced(event)),
      )
      .on(
        'removed',
        later(({ token, remoteId }) => this.#connections.get(token)?.accepted.delete(remoteId)),
      )
      .on(
        'subflowEstablished',
        later((event) => this.#subflowEstablished(event)),
      )
      .on(
        'subflowClosed',
        later((event) => this.#subflowClosed(event)),
      )
      .on(
        'overrun',
        later(() => this.#overrun()),
      );
    // The kernel does not tell when others change endpoints or limits.
    this.#poller.start(INTERVAL);
  }

  /** Endpoints or limits may have changed: connections are to follow. */
  refresh(): Promise<void> {
    return this.#poller.poll();
  }

  async #refresh(): Promise<void> {
    const after = await this.#read();
    const before = this.#config;
    if (!after || JSON.stringify(after) === JSON.stringify(before)) return;
    this.#config = after;
    const gone = before.endpoints.filter((each) => !find(after, each));
    const changed = after.endpoints.filter((each) => {
      const known = find(before, each);
      return known && isBackup(known) !== isBackup(each);
    });
    for (const connection of this.#connections.values()) {
      void this.#run(connection, [
        ...gone.flatMap((endpoint) => forget(connection, endpoint)),
        ...changed.flatMap((endpoint) => prioritize(connection, endpoint)),
        ...open(connection, after),
      ]);
    }
  }

  /** Somebody manages the connection. */
  forget(token: number): void {
    this.#connections.delete(token);
  }

  async close(): Promise<void> {
    this.#poller.stop();
    await this.#events.close();
  }

  /** undefined: closed. */
  async #read(): Promise<Config | undefined> {
    try {
      const [endpoints, limits] = await Promise.all([
        this.#commands.endpoints(),
        this.#commands.run({ command: 'getLimits' }) as Promise<NativeLimits>,
      ]);
      return { endpoints, limits };
    } catch {
      return undefined;
    }
  }

  async #begin(event: EstablishedEvent): Promise<void> {
    if (this.#except(event)) return;
    const connection = manage(event);
    this.#connections.set(event.token, connection);
    await this.refresh();
    if (!this.#connections.has(event.token)) return;
    const backups = this.#config.endpoints.filter(
      (each) => isBackup(each) && isAddress(each.address, event.local.address),
    );
    await this.#run(connection, [
      ...backups.flatMap((endpoint) => prioritize(connection, endpoint)),
      ...open(connection, this.#config),
    ]);
  }

  async #announced(event: AnnouncedEvent): Promise<void> {
    const connection = this.#connections.get(event.token);
    if (!connection) return;
    await this.refresh();
    if (!this.#connections.has(event.token)) return;
    await this.#run(connection, accept(connection, event, this.#config));
  }

  #subflowEstablished(event: SubflowEventBase): void {
    const connection = this.#connections.get(event.token);
    if (!connection) return;
    const { local, remote } = event;
    const own = takeOpening(connection, event);
    connection.subflows.set(subflowKey(event), { local, remote });
    if (own || connection.subflows.size <= this.#config.limits.subflows) return;
    // Userspace mode takes every join; the limit is for joins too.
    void this.#run(connection, [{ command: 'destroySubflow', token: event.token, local, remote }]);
  }

  #subflowClosed(event: SubflowEventBase): void {
    const connection = this.#connections.get(event.token);
    if (!connection) return;
    if (!connection.subflows.delete(subflowKey(event))) takeOpening(connection, event);
  }

  /** What has failed to open may be among what was lost; what opens yet is held to the limit. */
  #overrun(): void {
    for (const { opening } of this.#connections.values()) opening.length = 0;
  }

  async #run(connection: Managed, commands: NativeCommand[], again = false): Promise<void> {
    if (commands.length === 0) return;
    const replies = await this.#commands.runAll(commands).catch(() => []);
    replies.forEach((reply, i) => {
      const command = commands[i];
      if (!(reply instanceof MptcpError)) return;
      if (command?.command === 'createSubflow') {
        if (reply.code === 'ERR_MPTCP_EXISTS' && !again) {
          void this.#createWithOtherId(connection, command);
          return;
        }
        takeOpening(connection, command);
      }
      // It began while the in-kernel path manager had it, which keeps it.
      if (reply.code === 'ERR_MPTCP_PATH_MANAGER') this.#connections.delete(connection.token);
    });
  }

  /** The kernel gives addresses of incoming and unbound subflows ids that an endpoint may have. */
  async #createWithOtherId(connection: Managed, command: CreateSubflow): Promise<void> {
    const taken = await this.#commands.endpoints(connection.token).catch(() => []);
    const id = idFor(command.local.address, taken);
    await this.#run(connection, [{ ...command, local: { ...command.local, id } }], true);
  }
}

type CreateSubflow = Extract<NativeCommand, { command: 'createSubflow' }>;

const find = ({ endpoints }: Config, { id, address }: NativeEndpoint) =>
  endpoints.find((each) => each.id === id && isAddress(each.address, address));

/** Whether a subflow was being opened there; it is no longer. */
function takeOpening(
  { opening }: Managed,
  { remote }: { remote: { address: string; port: number } },
): boolean {
  const index = opening.findIndex(
    ({ address, port }) => isAddress(address, remote.address) && port === remote.port,
  );
  if (index >= 0) opening.splice(index, 1);
  return index >= 0;
}
