import type { NativeCommand, NativeEndpoint, NativeHeldSocket } from '../../types/native';
import { MptcpError } from '../base/errors';
import type { FollowedEndpoints, FollowOptions } from './followed';
import { canonicalAddress, scopeOf, withoutScope } from '../base/addresses';
import {
  checkAddress,
  checkBoolean,
  checkId,
  checkIfGiven,
  checkInteger,
  checkInterface,
  checkObject,
  checkPort,
  invalidArgType,
  invalidArgValue,
} from '../base/arguments';
import type { Abortable, Commands } from '../kernel/commands';
import { interfaceIndex, interfaceNames } from '../interfaces/names';

/** MPTCP_PM_ADDR_FLAG_* */
const FLAGS = {
  signal: 1,
  subflow: 2,
  backup: 4,
  fullmesh: 8,
  implicit: 16,
  laminar: 32,
} as const;
type Flag = keyof typeof FLAGS;
const SETTABLE = ['signal', 'subflow', 'backup', 'fullmesh', 'laminar'] as const;

export interface EndpointFlags {
  /** Announced to the peer of each connection (ADD_ADDR). */
  signal?: boolean;
  /** Used to open a subflow of each connection. */
  subflow?: boolean;
  /** Its subflows carry data only when no other one can. */
  backup?: boolean;
  /** With `subflow`: to every address that the peer announced. */
  fullmesh?: boolean;
  /** Used as the source towards an address that the peer announces; since Linux 6.18. */
  laminar?: boolean;
}

export interface EndpointOptions extends EndpointFlags {
  address: string;
  /** Of its own to listen at; with `signal` and without `subflow` alone. */
  port?: number;
  /** 1 to 255; the kernel chooses unless given. */
  id?: number;
  /** The name of the interface to use. */
  interface?: string;
}

/** An address that the path manager may use, as the kernel has it. */
export interface Endpoint extends Required<EndpointFlags> {
  id: number;
  address: string;
  port?: number;
  interface?: string;
  /** Made by the kernel itself, for a connection that uses the address. */
  implicit: boolean;
}

/** An id, or an address that an endpoint has. */
export type EndpointReference = number | string;

/** The endpoint of each connection's first subflow, which has no id of its own. */
export interface FirstSubflow {
  id: 0;
  address: string;
}

/** @internal */
export interface KeptEndpoint {
  endpoint: Endpoint;
  /** Somebody else may keep it. */
  release: () => void;
}

function checkOptions(name: string, options: unknown): asserts options is EndpointOptions {
  checkObject(name, options);
  const { address, port, id, interface: device, ...rest } = options as EndpointOptions;
  checkAddress(`${name}.address`, address);
  checkIfGiven(checkPort, `${name}.port`, port);
  checkIfGiven(checkId, `${name}.id`, id);
  checkIfGiven(checkInterface, `${name}.interface`, device);
  const scope = scopeOf(address);
  if (device !== undefined && scope !== undefined && scope !== device) {
    throw invalidArgValue(`${name}.interface`, device, `must be ${scope}, as in ${address}`);
  }
  checkFlags(name, rest);
}

export function checkFlags(name: string, flags: unknown): asserts flags is EndpointFlags {
  checkObject(name, flags);
  const given: EndpointFlags = flags;
  for (const flag of SETTABLE) checkIfGiven(checkBoolean, `${name}.${flag}`, given[flag]);
}

function checkReference(reference: unknown): asserts reference is EndpointReference {
  if (typeof reference === 'string') checkAddress('endpoint', reference);
  else if (typeof reference === 'number') checkId('endpoint', reference);
  else throw invalidArgType('endpoint', 'an id or an address', reference);
}

/** Of the endpoints that have an address the kernel has one, on whatever interface. */
const isAt = (endpoint: NativeEndpoint, address: string): boolean =>
  withoutScope(endpoint.address) === withoutScope(address);

function isMeant(endpoint: NativeEndpoint, address: string): boolean {
  const [scope, own] = [scopeOf(address), scopeOf(endpoint.address)];
  const scoped = scope !== undefined && own !== undefined;
  return isAt(endpoint, address) && (!scoped || [own, String(endpoint.interface)].includes(scope));
}

const namesOf = (flags: number): Flag[] =>
  (Object.keys(FLAGS) as Flag[]).filter((flag) => flags & FLAGS[flag]);

export const flagsOf = (flags: EndpointFlags): number =>
  SETTABLE.reduce((bits, flag) => (flags[flag] ? bits | FLAGS[flag] : bits), 0);

function isSame(
  endpoint: Endpoint,
  { address, port, interface: device, ...flags }: EndpointOptions,
) {
  return (
    withoutScope(endpoint.address) === withoutScope(address) &&
    endpoint.port === port &&
    endpoint.interface === device &&
    flagsOf(endpoint) === flagsOf(flags) &&
    !endpoint.implicit
  );
}

function withNames(
  { id, address, port, flags, interface: index }: NativeEndpoint,
  names?: Map<number, string>,
): Endpoint {
  const endpoint: Endpoint = {
    id,
    address,
    signal: (flags & FLAGS.signal) !== 0,
    subflow: (flags & FLAGS.subflow) !== 0,
    backup: (flags & FLAGS.backup) !== 0,
    fullmesh: (flags & FLAGS.fullmesh) !== 0,
    implicit: (flags & FLAGS.implicit) !== 0,
    laminar: (flags & FLAGS.laminar) !== 0,
  };
  if (port !== 0) endpoint.port = port;
  const device = names?.get(index);
  if (device !== undefined) endpoint.interface = device;
  return endpoint;
}

/** Gives endpoints their public form, in which interfaces have names. */
export async function publicEndpoints(
  commands: Commands,
  endpoints: NativeEndpoint[],
  abort?: Abortable,
): Promise<Endpoint[]> {
  const named = endpoints.some((each) => each.interface !== 0);
  const names = named ? await interfaceNames(commands, abort) : undefined;
  return endpoints.map((each) => withNames(each, names));
}

export async function publicEndpoint(
  commands: Commands,
  endpoint: NativeEndpoint,
  abort?: Abortable,
): Promise<Endpoint> {
  const names = endpoint.interface === 0 ? undefined : await interfaceNames(commands, abort);
  return withNames(endpoint, names);
}

function notFound(reference: EndpointReference): MptcpError {
  const what = typeof reference === 'number' ? `the id ${reference}` : `the address ${reference}`;
  return new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    `No endpoint has ${what}: pm.endpoints.list() gives those there are`,
  );
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
   * Gives the endpoint as read back from the kernel. ERR_MPTCP_UNSUPPORTED, and no endpoint, where
   * the kernel dropped a flag in silence.
   */
  async add(options: EndpointOptions, abort: Abortable = {}): Promise<Endpoint> {
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
    return this.#public(added); // no longer to be withdrawn
  }

  /**
   * @internal Adds an endpoint for somebody who keeps it, or takes over the one that nobody keeps and
   * that is as asked for: left behind by a process that was killed.
   */
  async keep(options: EndpointOptions): Promise<KeptEndpoint> {
    const address = canonicalAddress(options.address);
    const name = await this.#holdName(
      `mptcp-endpoint ${withoutScope(address)} ${options.port ?? 0}`,
    );
    try {
      const endpoint = await this.add(options).catch(async (error: unknown) => {
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

  async list(abort?: Abortable): Promise<Endpoint[]> {
    const endpoints = await this.#commands.endpoints(undefined, abort);
    return publicEndpoints(this.#commands, endpoints, abort);
  }

  async get(reference: EndpointReference, abort?: Abortable): Promise<Endpoint> {
    checkReference(reference);
    return this.#public(await this.#get(reference, abort), abort);
  }

  /** Changes what is given; gives the endpoint as read back. */
  async update(
    reference: EndpointReference,
    changes: { backup?: boolean; fullmesh?: boolean },
    abort: Abortable = {},
  ): Promise<Endpoint> {
    checkReference(reference);
    checkObject('changes', changes);
    checkIfGiven(checkBoolean, 'changes.backup', changes.backup);
    checkIfGiven(checkBoolean, 'changes.fullmesh', changes.fullmesh);
    const id = typeof reference === 'number' ? reference : (await this.#get(reference, abort)).id;
    const mask = flagsOf({
      backup: changes.backup !== undefined,
      fullmesh: changes.fullmesh !== undefined,
    });
    const flags = flagsOf(changes) & mask;
    const after = await this.#told(this.#commands.updateEndpointFlags(id, { mask, flags }, abort));
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

  /** Closes the endpoint's subflows too. About 8 ms in the kernel. */
  async delete(reference: EndpointReference | FirstSubflow, abort?: Abortable): Promise<void> {
    if (typeof reference === 'object') {
      checkObject('endpoint', reference);
      checkInteger('endpoint.id', reference.id, 0, 0);
      checkAddress('endpoint.address', reference.address);
      const { id, address } = reference;
      await this.#change({ command: 'deleteEndpoint', id, address }, abort);
      return;
    }
    checkReference(reference);
    const id = typeof reference === 'number' ? reference : (await this.#get(reference, abort)).id;
    await this.#change({ command: 'deleteEndpoint', id }, abort);
  }

  /** Deletes every endpoint. */
  async flush(abort?: Abortable): Promise<void> {
    await this.#change({ command: 'flushEndpoints' }, abort);
  }

  /** Keeps an endpoint for every matching address, as addresses and interfaces come and go. */
  follow(options: FollowOptions): FollowedEndpoints {
    return this.#follow(options);
  }

  async #holdName(name: string): Promise<NativeHeldSocket> {
    try {
      return await this.#commands.holdName(name);
    } catch (error) {
      const pid = await this.#commands.nameOwner(name);
      if (pid === undefined) throw error;
      throw new MptcpError(
        'ERR_MPTCP_EXISTS',
        `Process ${pid} keeps an endpoint of this address, until it ends or closes what keeps it`,
        { cause: error },
      );
    }
  }

  async #change(command: NativeCommand, abort?: Abortable): Promise<void> {
    await this.#told(this.#commands.run(command, abort));
  }

  async #told<T>(change: Promise<T>): Promise<T> {
    try {
      return await change;
    } finally {
      this.#changed(); // also where an abort came too late
    }
  }

  async #add(endpoint: NativeEndpoint, abort: Abortable): Promise<NativeEndpoint> {
    try {
      return await this.#told(this.#commands.addEndpoint(endpoint, abort));
    } catch (error) {
      if (!(error instanceof MptcpError) || error.code !== 'ERR_MPTCP_LIMIT') throw error;
      // The kernel's maximum is known by its refusal alone: it is as many as there are.
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
    const address = canonicalAddress(reference);
    const found = await this.#find((each) => isMeant(each, address), abort);
    if (!found) throw notFound(reference);
    return found;
  }

  async #find(
    match: (endpoint: NativeEndpoint) => boolean,
    abort?: Abortable,
  ): Promise<NativeEndpoint | undefined> {
    return (await this.#commands.endpoints(undefined, abort)).find(match);
  }

  #public(endpoint: NativeEndpoint, abort?: Abortable): Promise<Endpoint> {
    return publicEndpoint(this.#commands, endpoint, abort);
  }
}
