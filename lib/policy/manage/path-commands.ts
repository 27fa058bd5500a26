import type { NativeCommand } from '../../../types/native';
import { canonicalAddress, isAddress } from '../../base/addresses';
import { MptcpError } from '../../base/errors';
import type { Commands } from '../../kernel/commands';
import { subflowsByToken } from '../../kernel/sock-diag';
import { idFor } from '../../userspace/address-ids';
import type { Userspace } from '../../userspace/userspace';
import type { AbandonSubflowAction, CreateSubflowAction, PathAction } from '../policy';

const BACKUP = 4;
const LAST = 255;
const SYN_SENT = 2;

/** Carries out what policies want, by commands of the userspace path manager. */
export class PathCommands {
  readonly #commands: Commands;
  readonly #userspace: Userspace;
  readonly #interfaceIndex: (name: string) => number | undefined;
  /** Ids of local addresses, by token: a connection keeps to those it has told its peer. */
  readonly #ids = new Map<number, Map<string, number>>();
  /** A dump that goes on: many connections give up what they open at the same time. */
  #subflows: ReturnType<typeof subflowsByToken> | undefined;

  constructor(
    commands: Commands,
    userspace: Userspace,
    interfaceIndex: (name: string) => number | undefined,
  ) {
    this.#commands = commands;
    this.#userspace = userspace;
    this.#interfaceIndex = interfaceIndex;
  }

  async run(action: PathAction): Promise<void> {
    const { token } = action;
    switch (action.type) {
      case 'createSubflow':
        return this.#create(action);
      case 'destroySubflow': {
        const { local, remote } = action;
        return this.#run({ command: 'destroySubflow', token, local, remote });
      }
      case 'abandonSubflow':
        return this.#abandon(action);
      case 'setBackup': {
        const { local, remote, backup } = action;
        const flags = backup ? BACKUP : 0;
        return this.#run({ command: 'setSubflowFlags', token, local, remote, flags });
      }
      case 'announce': {
        const { address, port } = action;
        const id = this.#idOf(token, address, port);
        return this.#userspace.announce(token, { id, address, ...(port && { port }) });
      }
      case 'withdraw':
        return this.#userspace.withdraw(token, this.#idOf(token, action.address, action.port));
    }
  }

  forget(token: number): void {
    this.#ids.delete(token);
  }

  async #run(command: NativeCommand): Promise<void> {
    await this.#commands.run(command);
  }

  async #create(action: CreateSubflowAction): Promise<void> {
    const { token, local } = action;
    try {
      await this.#open(action, this.#idOf(token, local.address));
    } catch (error) {
      if (!(error instanceof MptcpError) || error.code !== 'ERR_MPTCP_EXISTS') throw error;
      const id = idFor(local.address, await this.#commands.endpoints(token));
      this.#ids.get(token)?.set(keyOf(local.address), id);
      await this.#open(action, id);
    }
  }

  #open({ token, local, remote, backup }: CreateSubflowAction, id: number): Promise<void> {
    return this.#run({
      command: 'createSubflow',
      token,
      local: {
        ...{ id, address: local.address, port: 0 },
        flags: backup ? BACKUP : 0,
        interface: this.#indexOf(local.interface),
      },
      remote,
    });
  }

  /** Its port is the kernel's secret until it is connected: only a dump tells. */
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
      throw new MptcpError('ERR_MPTCP_NOT_FOUND', 'No such subflow is being opened any more');
    }
    const { local: from, remote: to } = found;
    await this.#run({ command: 'destroySubflow', token, local: from, remote: to });
  }

  #indexOf(name: string | undefined): number {
    const index = name === undefined ? 0 : this.#interfaceIndex(name);
    if (index !== undefined) return index;
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `The network namespace has no interface ${name} any more`,
    );
  }

  #idOf(token: number, address: string, port?: number): number {
    let ids = this.#ids.get(token);
    if (!ids) this.#ids.set(token, (ids = new Map<string, number>()));
    const key = keyOf(address, port);
    const known = ids.get(key);
    if (known !== undefined) return known;
    const taken = new Set(ids.values());
    let id = 1;
    while (id < LAST && taken.has(id)) id++;
    ids.set(key, id);
    return id;
  }
}

const keyOf = (address: string, port?: number): string =>
  `${canonicalAddress(address)} ${port ?? ''}`;
