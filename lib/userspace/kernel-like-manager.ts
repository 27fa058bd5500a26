/** Manages the paths of connections in userspace mode as the in-kernel path manager would. */
import type { NativeCommand, NativeEndpoint, NativeLimits } from '../../types/native';
import { isAddress, subflowKey } from '../base/addresses';
import { MptcpError } from '../base/errors';
import { AsyncPoller } from '../base/poller';
import type { AnnouncedEvent, EstablishedEvent, SubflowEventBase } from '../events/events';
import type { PathManagerEvents } from '../events/stream';
import type { Commands } from '../kernel/commands';
import { AddressIds } from './address-ids';
import {
  accept,
  type Config,
  forget,
  isBackup,
  isFullmesh,
  manage,
  type Managed,
  open,
  prioritize,
  remesh,
} from './kernel-like-policy';
import { build } from './userspace';

/** Milliseconds between two reads of endpoints and limits. */
const INTERVAL = 1000;

/**
 * Defers an event until what the kernel reported before it, such as a connected socket, was handled:
 * those who claim a connection know it by then.
 */
const later =
  <Event>(handle: (event: Event) => void) =>
  (event: Event): void =>
    void setImmediate(setImmediate, () => handle(event));

/**
 * Carries out the decisions of kernel-like-policy.ts for the connections that userspace manages and
 * nobody has claimed: mostly those of other processes.
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
    // The kernel sends no event when another program changes endpoints or limits.
    this.#poller.start(INTERVAL);
  }

  /** Reads endpoints and limits again, and adapts the connections to what has changed. */
  refresh(): Promise<void> {
    return this.#poller.poll();
  }

  async #refresh(): Promise<void> {
    const after = await this.#read();
    const before = this.#config;
    if (!after || JSON.stringify(after) === JSON.stringify(before)) return;
    this.#config = after;
    const gone = before.endpoints.filter((each) => !find(after, each));
    const changed = (has: (endpoint: NativeEndpoint) => boolean): NativeEndpoint[] =>
      after.endpoints.filter((each) => {
        const known = find(before, each);
        return known && has(known) !== has(each);
      });
    const [prioritized, remeshed] = [changed(isBackup), changed(isFullmesh)];
    for (const connection of this.#connections.values()) {
      void this.#run(connection, [
        ...gone.flatMap((endpoint) => forget(connection, endpoint)),
        ...prioritized.flatMap((endpoint) => prioritize(connection, endpoint)),
        ...remeshed.flatMap((endpoint) => remesh(connection, endpoint)),
        ...open(connection, after),
      ]);
    }
  }

  /** Leaves a connection to whoever claims it. */
  forget(token: number): void {
    this.#connections.delete(token);
  }

  async close(): Promise<void> {
    this.#poller.stop();
    await this.#events.close();
  }

  /** Undefined once the commands are closed. */
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
    const { local, remote, localId } = event;
    const own = removeOpening(connection, event);
    connection.subflows.set(subflowKey(event), { local, remote, localId });
    if (own || connection.subflows.size <= this.#config.limits.subflows) return;
    // Userspace mode accepts every join; the limit counts joins too.
    void this.#run(connection, [build.destroySubflow(event.token, event)]);
  }

  #subflowClosed(event: SubflowEventBase): void {
    const connection = this.#connections.get(event.token);
    if (!connection || connection.closing.delete(subflowKey(event))) return;
    if (!connection.subflows.delete(subflowKey(event))) removeOpening(connection, event);
  }

  /** A lost event may be that of a failed subflow; one that opens after all is held to the limit. */
  #overrun(): void {
    for (const { opening } of this.#connections.values()) opening.length = 0;
  }

  async #run(connection: Managed, commands: NativeCommand[]): Promise<void> {
    if (commands.length === 0) return;
    const replies = await this.#commands.runAll(commands).catch(() => []);
    replies.forEach((reply, i) => {
      const command = commands[i];
      if (command && reply instanceof MptcpError) this.#refused(connection, command, reply);
    });
  }

  #refused(connection: Managed, command: NativeCommand, { code }: MptcpError): void {
    const isTaken = code === 'ERR_MPTCP_EXISTS';
    if (isTaken && command.command === 'createSubflow') void this.#recreate(connection, command);
    else if (isTaken && command.command === 'announce') void this.#reannounce(connection, command);
    else if (command.command === 'createSubflow') removeOpening(connection, command);
    // The connection began under the in-kernel path manager, which keeps it.
    if (code === 'ERR_MPTCP_PATH_MANAGER') this.#connections.delete(connection.token);
  }

  /** The kernel may have given the id of the endpoint to another address: see AddressIds. */
  async #recreate(connection: Managed, command: Command<'createSubflow'>): Promise<void> {
    const { local } = command;
    try {
      await this.#idsOf(connection).forSubflow(local.address, (id) =>
        this.#commands.run({ ...command, local: { ...local, id } }),
      );
    } catch {
      removeOpening(connection, command);
    }
  }

  async #reannounce(connection: Managed, command: Command<'announce'>): Promise<void> {
    const { endpoint } = command;
    const { token, announced } = connection;
    try {
      await this.#idsOf(connection).forAnnouncement(endpoint, async (id) => {
        await this.#commands.run({ ...command, endpoint: { ...endpoint, id } });
        if (announced.has(endpoint.id)) announced.set(endpoint.id, id);
        else await this.#commands.run(build.withdraw(token, id)); // the endpoint is gone
      });
    } catch {
      // The address has the id 0, or the connection has closed.
    }
  }

  #idsOf(connection: Managed): AddressIds {
    const { token, local } = connection;
    const list = () => this.#commands.endpoints(token);
    return (connection.ids ??= new AddressIds(list, local.address));
  }
}

type Command<Name extends NativeCommand['command']> = Extract<NativeCommand, { command: Name }>;

const find = ({ endpoints }: Config, { id, address }: NativeEndpoint) =>
  endpoints.find((each) => each.id === id && isAddress(each.address, address));

/** Whether a subflow was being opened there; from now on none is. */
function removeOpening(
  { opening }: Managed,
  { remote }: { remote: { address: string; port: number } },
): boolean {
  const index = opening.findIndex(
    ({ address, port }) => isAddress(address, remote.address) && port === remote.port,
  );
  if (index >= 0) opening.splice(index, 1);
  return index >= 0;
}
