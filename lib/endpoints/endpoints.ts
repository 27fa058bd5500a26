/** `pm.endpoints`: the endpoints of the in-kernel path manager. */
import type { NativeCommand, NativeEndpoint, NativeHeldSocket } from '../../types/native';
import type { Abortable } from '../base/abort';
import { canonicalAddress, isAddress, withoutScope } from '../base/addresses';
import {
  checkAddress,
  checkBoolean,
  checkIfGiven,
  checkInteger,
  checkKeys,
  SIGNAL_APART,
} from '../base/arguments';
import { MptcpError } from '../base/errors';
import { interfaceIndex } from '../interfaces/names';
import type { Commands } from '../kernel/commands';
import { takeLock } from '../kernel/privileged-names';
import type {
  Endpoint,
  EndpointFlags,
  EndpointOptions,
  EndpointReference,
  FirstSubflow,
  FollowOptions,
  KeptEndpoint,
} from './endpoint';
import {
  checkOptions,
  checkReference,
  findEndpoint,
  flagsOf,
  isSame,
  namesOf,
  publicEndpoint,
  publicEndpoints,
} from './endpoint';
import type { FollowedEndpoints } from './followed';

type Changes = Pick<EndpointFlags, 'backup' | 'fullmesh'>;

function isFirstSubflow(reference: unknown): reference is FirstSubflow {
  const { id, address } = (reference ?? {}) as Partial<FirstSubflow>;
  if (id === undefined) return false;
  checkInteger('endpoint.id', id, 0, 0);
  checkAddress('endpoint.address', address);
  return true;
}

function warn(endpoint: Endpoint, why: string): void {
  process.emitWarning(`The endpoint ${endpoint.address} has no effect: ${why}`, {
    type: 'MptcpWarning',
    code: 'MPTCP_ENDPOINT',
  });
}

/** Warns of an endpoint that the kernel accepts and does nothing with. */
async function warnOfNoEffect(commands: Commands, endpoint: Endpoint): Promise<void> {
  const { address, signal, subflow, backup, fullmesh, laminar } = endpoint;
  if (!signal && !subflow && !backup && !fullmesh && !laminar) {
    warn(endpoint, 'give a flag, { subflow: true } on a client or { signal: true } on a server');
    return;
  }
  // The announced address may be another one's, such as the public address of a NAT.
  if (!subflow && !laminar) return;
  const own = await commands.addresses();
  if (own.some((each) => isAddress(each.address, address))) return;
  warn(endpoint, 'no interface has its address, so no subflow can begin there until one has');
}

/** The addresses that the in-kernel path manager uses, for every connection of the namespace. */
export class Endpoints {
  readonly #commands: Commands;
  readonly #changed: () => void;
  readonly #follow: (options: FollowOptions) => FollowedEndpoints;

  /** @internal `changed`: called after each change */
  constructor(
    commands: Commands,
    changed: () => void,
    follow: (options: FollowOptions) => FollowedEndpoints,
  ) {
    this.#commands = commands;
    this.#changed = changed;
    this.#follow = follow;
  }

  /**
   * Adds an endpoint, and resolves with it as read back from the kernel. ERR_MPTCP_EXISTS: the id, or
   * the address with its port, is in use; ERR_MPTCP_LIMIT: there are as many as the kernel allows;
   * ERR_MPTCP_UNSUPPORTED: this kernel dropped a flag, and no endpoint was added. A process warning
   * reports an endpoint without effect: one without flags, or one for subflows whose address no
   * interface has.
   */
  async add(options: EndpointOptions, abort: Abortable = {}): Promise<Endpoint> {
    const endpoint = await this.#addChecked(options, abort);
    await warnOfNoEffect(this.#commands, endpoint).catch(() => undefined); // it is added all the same
    return endpoint;
  }

  async #addChecked(options: EndpointOptions, abort: Abortable = {}): Promise<Endpoint> {
    checkOptions('options', options);
    const { id = 0, port = 0, interface: device } = options;
    const address = canonicalAddress(options.address);
    const index = device === undefined ? 0 : await interfaceIndex(this.#commands, device, abort);
    const flags = flagsOf(options);
    const added = await this.#add({ id, address, port, flags, interface: index }, abort);
    const dropped = namesOf(flags & ~added.flags);
    if (dropped.length > 0) {
      await this.#commands.run({ command: 'deleteEndpoint', id: added.id });
      throw new MptcpError(
        'ERR_MPTCP_UNSUPPORTED',
        `This kernel dropped the flag ${dropped.join(', ')} in silence, so ${address} did not become an endpoint`,
        { command: 'MPTCP_PM_CMD_ADD_ADDR' },
      );
    }
    return this.#public(added); // without the signal: nothing of the command can be aborted any more
  }

  /**
   * @internal Adds an endpoint that this process keeps, or takes over an equal one that no process
   * keeps, such as one that a killed process left behind.
   */
  async keep(options: EndpointOptions): Promise<KeptEndpoint> {
    const address = canonicalAddress(options.address);
    const name = await this.#holdName(
      `mptcp-endpoint/${withoutScope(address)}/${options.port ?? 0}`,
    );
    try {
      const endpoint = await this.#addChecked(options).catch(async (error: unknown) => {
        if (!(error instanceof MptcpError) || error.code !== 'ERR_MPTCP_EXISTS') throw error;
        const found = (await this.list()).find((each) => isSame(each, { ...options, address }));
        if (!found) throw error;
        return found;
      });
      return { endpoint, release: () => name.close() };
    } catch (error) {
      name.close();
      throw error;
    }
  }

  /** Every endpoint of the namespace, in the kernel's order. */
  async list(abort?: Abortable): Promise<Endpoint[]> {
    const endpoints = await this.#commands.endpoints(undefined, abort);
    return publicEndpoints(this.#commands, endpoints, abort);
  }

  /** One endpoint. ERR_MPTCP_NOT_FOUND; ERR_MPTCP_AMBIGUOUS: several have the address. */
  async get(reference: EndpointReference, abort?: Abortable): Promise<Endpoint> {
    checkReference(reference);
    return this.#public(await this.#get(reference, abort), abort);
  }

  /**
   * Changes the flags that are given, and resolves with the endpoint as read back from the kernel.
   * ERR_MPTCP_NOT_FOUND; ERR_MPTCP_AMBIGUOUS: several have the address; ERR_MPTCP_UNSUPPORTED: this
   * kernel dropped a flag.
   */
  async update(
    reference: EndpointReference,
    changes: Changes,
    abort: Abortable = {},
  ): Promise<Endpoint> {
    checkReference(reference);
    checkKeys<Changes>('changes', changes, { backup: true, fullmesh: true }, SIGNAL_APART);
    checkIfGiven(checkBoolean, 'changes.backup', changes.backup);
    checkIfGiven(checkBoolean, 'changes.fullmesh', changes.fullmesh);
    // Commands are queued in the order of their calls: an id must not wait.
    const id = typeof reference === 'number' ? reference : (await this.#get(reference, abort)).id;
    const mask = flagsOf({
      backup: changes.backup !== undefined,
      fullmesh: changes.fullmesh !== undefined,
    });
    const flags = flagsOf(changes) & mask;
    const after = await this.#notify(
      this.#commands.updateEndpointFlags(id, { mask, flags }, abort),
    );
    const dropped = namesOf(flags & ~after.flags);
    if (dropped.length > 0) {
      throw new MptcpError(
        'ERR_MPTCP_UNSUPPORTED',
        `This kernel dropped the flag ${dropped.join(', ')} of the endpoint ${id} in silence`,
        { command: 'MPTCP_PM_CMD_SET_FLAGS' },
      );
    }
    return this.#public(after);
  }

  /**
   * Deletes an endpoint and closes its subflows, which takes about 8 ms in the kernel.
   * ERR_MPTCP_NOT_FOUND; ERR_MPTCP_AMBIGUOUS: several have the address.
   */
  async delete(reference: EndpointReference | FirstSubflow, abort?: Abortable): Promise<void> {
    if (isFirstSubflow(reference)) {
      const { id, address } = reference;
      await this.#change({ command: 'deleteEndpoint', id, address }, abort);
      return;
    }
    checkReference(reference);
    // Commands are queued in the order of their calls: an id must not wait.
    const id = typeof reference === 'number' ? reference : (await this.#get(reference, abort)).id;
    await this.#change({ command: 'deleteEndpoint', id }, abort);
  }

  /** Deletes every endpoint and closes their subflows. */
  async flush(abort?: Abortable): Promise<void> {
    await this.#change({ command: 'flushEndpoints' }, abort);
  }

  /** Keeps an endpoint for every matching address, as addresses and interfaces come and go. */
  follow(options: FollowOptions): FollowedEndpoints {
    return this.#follow(options);
  }

  async #holdName(name: string): Promise<NativeHeldSocket> {
    const { held, owner } = await takeLock(this.#commands, name);
    if (held) return held;
    const who = owner.pid === 0 ? 'A process of another pid namespace' : `Process ${owner.pid}`;
    throw new MptcpError(
      'ERR_MPTCP_EXISTS',
      `${who} keeps an endpoint of this address: it has to end, or close what keeps it, first`,
    );
  }

  async #change(command: NativeCommand, abort?: Abortable): Promise<void> {
    await this.#notify(this.#commands.run(command, abort));
  }

  /** Calls `changed` after a change, which may have happened although it was aborted. */
  async #notify<T>(change: Promise<T>): Promise<T> {
    try {
      return await change;
    } finally {
      this.#changed();
    }
  }

  async #add(endpoint: NativeEndpoint, abort: Abortable): Promise<NativeEndpoint> {
    try {
      return await this.#notify(this.#commands.addEndpoint(endpoint, abort));
    } catch (error) {
      if (!(error instanceof MptcpError) || error.code !== 'ERR_MPTCP_LIMIT') throw error;
      // The kernel does not report its maximum: it is the number of endpoints that there are.
      const { length } = await this.#commands.endpoints();
      throw new MptcpError(error.code, `${error.message}. There are ${length}`, {
        ...{ errno: error.errno, command: error.command, extack: error.extack },
        maximum: length,
        cause: error,
      });
    }
  }

  async #get(reference: EndpointReference, abort?: Abortable): Promise<NativeEndpoint> {
    if (typeof reference === 'number') {
      return (await this.#commands.run(
        { command: 'getEndpoint', id: reference },
        abort,
      )) as NativeEndpoint;
    }
    return findEndpoint(await this.#commands.endpoints(undefined, abort), reference);
  }

  #public(endpoint: NativeEndpoint, abort?: Abortable): Promise<Endpoint> {
    return publicEndpoint(this.#commands, endpoint, abort);
  }
}
