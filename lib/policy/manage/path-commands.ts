/** Carries out the actions of policies, by commands of the userspace path manager. */
import { isAddress } from '../../base/addresses';
import { MptcpError } from '../../base/errors';
import type { Commands } from '../../kernel/commands';
import { TCP_STATES } from '../../kernel/constants';
import { subflowsByToken } from '../../kernel/sock-diag';
import type { AddressIds } from '../../userspace/address-ids';
import { build, type Userspace } from '../../userspace/userspace';
import type {
  AbandonSubflowAction,
  CreateSubflowAction,
  DestroySubflowAction,
  PathAction,
} from '../policy';

const { SYN_SENT } = TCP_STATES;

/** What the commands need to know of the namespace. */
interface Surroundings {
  /** The index of the interface with a name; undefined: there is none. */
  interfaceIndex: (name: string) => number | undefined;
  /** The local address of a connection's initial subflow; undefined: it is not known. */
  initialAddress: (token: number) => string | undefined;
  /** The address id that is to be withdrawn with a subflow; undefined: none. */
  idToWithdraw: (action: DestroySubflowAction) => number | undefined;
}

export class PathCommands {
  readonly #commands: Commands;
  readonly #userspace: Userspace;
  readonly #surroundings: Surroundings;
  /** By token. */
  readonly #ids = new Map<number, AddressIds>();
  /** A dump in progress: many connections abandon subflows at the same time. */
  #subflows: ReturnType<typeof subflowsByToken> | undefined;

  constructor(commands: Commands, userspace: Userspace, surroundings: Surroundings) {
    this.#commands = commands;
    this.#userspace = userspace;
    this.#surroundings = surroundings;
  }

  /** Runs an action; an MptcpError says why the kernel refused it. */
  async run(action: PathAction): Promise<void> {
    const { token } = action;
    switch (action.type) {
      case 'createSubflow':
        return this.#create(action);
      case 'destroySubflow':
        return this.#userspace.destroyWithId(
          token,
          action,
          this.#surroundings.idToWithdraw(action),
          undefined,
          this.#idsOf(token),
        );
      case 'abandonSubflow':
        return this.#abandon(action);
      case 'setBackup':
        return this.#userspace.setBackup(token, action, action.backup);
      case 'announce': {
        const { address, port } = action;
        const announcement = { address, ...(port && { port }) };
        return this.#userspace.announceFrom(this.#idsOf(token), token, announcement);
      }
      case 'withdraw': {
        const id = await this.#idsOf(token).of(action);
        return this.#userspace.withdraw(token, id);
      }
    }
  }

  /** Forgets a connection that has closed, or that its policy has left. */
  forget(token: number): void {
    this.#ids.delete(token);
  }

  async #create({ token, local, remote, backup }: CreateSubflowAction): Promise<void> {
    const index = this.#indexOf(local.interface);
    const { address } = local;
    await this.#idsOf(token).forSubflow(address, (id) =>
      this.#commands.run(
        build.createSubflow(token, { id, address, interface: index }, remote, backup),
      ),
    );
  }

  /** A dump alone has the local port of a subflow that is not connected yet. */
  async #abandon({ token, local, remote }: AbandonSubflowAction): Promise<void> {
    this.#subflows ??= subflowsByToken(this.#commands.netns, false).finally(
      () => (this.#subflows = undefined),
    );
    const subflows = (await this.#subflows).get(token) ?? [];
    const found = subflows.find(
      (each) =>
        each.state === SYN_SENT &&
        isAddress(each.local.address, local.address) &&
        isAddress(each.remote.address, remote.address) &&
        each.remote.port === remote.port,
    );
    if (!found) {
      throw new MptcpError(
        'ERR_MPTCP_NOT_FOUND',
        'No such subflow is being opened: it is connected, or has failed',
      );
    }
    await this.#userspace.destroyWithId(token, found, undefined);
  }

  #indexOf(name: string | undefined): number {
    const index = name === undefined ? 0 : this.#surroundings.interfaceIndex(name);
    if (index !== undefined) return index;
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `The network namespace has no interface ${name} any more`,
    );
  }

  #idsOf(token: number): AddressIds {
    const known = this.#ids.get(token);
    if (known) return known;
    const ids = this.#userspace.addressIds(token, this.#surroundings.initialAddress(token));
    this.#ids.set(token, ids);
    return ids;
  }
}
