/**
 * The ids of one connection's local addresses (RFC 8684, section 3.2): the one place that chooses
 * them. The kernel gives ids as well, to the local addresses of incoming joins and of unbound
 * subflows (net/mptcp/pm_userspace.c), so a choice is a proposal that the kernel may refuse.
 */
import { constants } from 'node:os';
import type { NativeEndpoint } from '../../types/native';
import { canonicalAddress, isAddress, withoutScope } from '../base/addresses';
import { MptcpError } from '../base/errors';

/** The id of the local address of the initial subflow. */
export const INITIAL_ID = 0;

const LAST_ID = 255;
/** All but that of the initial subflow. */
const ALL_IDS = Array.from({ length: LAST_ID }, (_, index) => index + 1);

/** An address as ids distinguish it: one with a port of its own has another id than one without. */
export interface IdentifiedAddress {
  readonly address: string;
  /** 0 or absent: the connection's own port. */
  readonly port?: number | undefined;
}

const canonical = ({ address, port }: IdentifiedAddress): IdentifiedAddress => ({
  address: canonicalAddress(address),
  port,
});

/** The kernel compares addresses without their scope. */
const keyOf = ({ address, port = 0 }: IdentifiedAddress): string =>
  `${withoutScope(address)} ${port}`;

/** Whether the kernel refused an id: another address has it, or the address has another one. */
function isRefused(error: unknown, id: number): boolean {
  if (!(error instanceof MptcpError) || error.extack === undefined) return false;
  if (error.code === 'ERR_MPTCP_EXISTS') return true;
  // Older kernels refuse the id 0 in SUBFLOW_CREATE ("missing local addr id").
  return (
    id === INITIAL_ID && error.errno === -constants.errno.EINVAL && error.extack.includes('addr id')
  );
}

export class AddressIds {
  readonly #list: () => Promise<readonly NativeEndpoint[]>;
  readonly #initial: string | undefined;
  /** Chosen ids, also of commands that are still running: the peer may know them for good. */
  readonly #chosen = new Map<string, number>();
  /** Ids that were withdrawn: REMOVE_ADDR may arrive after a new subflow, and close that too. */
  readonly #retired = new Set<number>();

  /**
   * `list` dumps the kernel's list of the connection's addresses, which Linux 6.1 answers with the
   * endpoints of the namespace: it is a help to choose, and the kernel's refusal decides. `initial`
   * is the local address of the initial subflow.
   */
  constructor(list: () => Promise<readonly NativeEndpoint[]>, initial?: string) {
    this.#list = list;
    this.#initial = initial;
  }

  /** Runs `create` with the id of a subflow's local address: 0 for that of the initial subflow. */
  forSubflow<T>(address: string, create: (id: number) => Promise<T>): Promise<T> {
    return this.#propose(canonical({ address }), INITIAL_ID, create);
  }

  /** Runs `announce` with the id of an address: never 0, which the kernel announces for nobody. */
  forAnnouncement<T>(address: IdentifiedAddress, announce: (id: number) => Promise<T>): Promise<T> {
    return this.#propose(canonical(address), INITIAL_ID + 1, announce);
  }

  /** Forgets the id of an address, which is withdrawn: the address gets another one from now on. */
  retire(address: string, id: number): void {
    this.#chosen.delete(keyOf(canonical({ address })));
    this.#retired.add(id);
    if (this.#retired.size > ALL_IDS.length / 2) this.#retired.clear();
  }

  /** The id that an address of the connection has; ERR_MPTCP_NOT_FOUND: it has none. */
  async of(given: IdentifiedAddress): Promise<number> {
    const address = canonical(given);
    const id = this.#chosen.get(keyOf(address)) ?? idIn(await this.#list(), address);
    if (id !== undefined) return id;
    const port = address.port ? ` with the port ${address.port}` : '';
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `The connection has neither announced nor used ${address.address}${port}: ` +
        'pm.addresses.list(token) gives the addresses that it has',
    );
  }

  /**
   * Proposes ids until the kernel accepts one. A refused id may be given to this very address right
   * afterwards, and the kernel refuses every other one from then on. So an id is proposed once more
   * when the list begins to name it, and all ids are when each was refused.
   */
  async #propose<T>(
    address: IdentifiedAddress,
    lowest: number,
    command: (id: number) => Promise<T>,
  ): Promise<T> {
    const key = keyOf(address);
    const refused = new Set<number>();
    let listed: readonly NativeEndpoint[] = [];
    let isLastRound = false;
    for (;;) {
      const id = this.#preferred(address, listed, lowest, refused) ?? this.#free(listed, refused);
      this.#choose(key, id);
      try {
        return await command(id);
      } catch (error) {
        if (!isRefused(error, id)) throw error;
        refused.add(id);
        if (this.#chosen.get(key) === id) this.#chosen.delete(key);
        const before = idIn(listed, address);
        listed = await this.#list();
        const fixed = idIn(listed, address);
        if (fixed !== undefined && fixed < lowest) throw error; // the kernel keeps that one
        if (fixed !== undefined && fixed !== before) refused.delete(fixed);
        if (!ALL_IDS.every((each) => refused.has(each))) continue;
        if (isLastRound) throw error;
        isLastRound = true;
        refused.clear();
      }
    }
  }

  /** Where an id has to be used again, it is the earlier address that loses it. */
  #choose(key: string, id: number): void {
    for (const [other, its] of this.#chosen) {
      if (its === id && other !== key) this.#chosen.delete(other);
    }
    this.#chosen.set(key, id);
  }

  /** The id that the address has already, as far as that may be known. */
  #preferred(
    address: IdentifiedAddress,
    listed: readonly NativeEndpoint[],
    lowest: number,
    refused: ReadonlySet<number>,
  ): number | undefined {
    const isInitial =
      !address.port && this.#initial !== undefined && isAddress(address.address, this.#initial);
    return [
      this.#chosen.get(keyOf(address)),
      idIn(listed, address),
      isInitial ? INITIAL_ID : undefined,
    ].find((id) => id !== undefined && id >= lowest && !refused.has(id));
  }

  /** The lowest id that nothing has; else one that the kernel does not list; else any other. */
  #free(listed: readonly NativeEndpoint[], refused: ReadonlySet<number>): number {
    const fresh = ALL_IDS.filter((id) => !refused.has(id) && !this.#retired.has(id));
    const left = fresh.length > 0 ? fresh : ALL_IDS.filter((id) => !refused.has(id));
    const unlisted = left.filter((id) => !listed.some((each) => each.id === id));
    const chosen = new Set(this.#chosen.values());
    const id = [unlisted.find((each) => !chosen.has(each)), ...unlisted, ...left].find(Boolean);
    return id ?? LAST_ID;
  }
}

function idIn(listed: readonly NativeEndpoint[], address: IdentifiedAddress): number | undefined {
  const key = keyOf(address);
  return listed.find((each) => keyOf(each) === key)?.id;
}
