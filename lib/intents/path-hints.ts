/** Hints about paths: which subflows there are, and which of them are backup. */
import { once } from 'node:events';
import type { NativeEndpoint } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import { familyOf, subflowKey, withoutScope } from '../base/addresses';
import { AbortError, MptcpError, systemError } from '../base/errors';
import type { Tagged } from '../base/tagged';
import { readBackupFlags } from '../connection/backup-flags';
import { type ConnectionPaths, pathsOf } from '../connection/paths';
import type { Subflow } from '../connection/subflow';
import { mergeResults } from '../hints/apply';
import type { HintResult, PathHints } from '../hints/hints';
import { isAt, type PathSelector, places } from '../hints/path-selector';
import { type LocalAddress, usableAddresses } from '../interfaces/local-addresses';
import type { TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { useCommands } from '../userspace/shared-commands';

const BACKUP = 4;
const ESTABLISHED = 1;

const localOf = ({ local, interface: name }: Subflow): LocalAddress => ({
  address: local.address,
  ...(name !== undefined && { interface: name }),
});

const isConnected = ({ tcpInfo }: Subflow): boolean => tcpInfo.state === ESTABLISHED;

export function asMptcpError(error: unknown): MptcpError {
  if (error instanceof MptcpError) return error;
  return systemError('ERR_MPTCP_SYSTEM', error, (error as Error).message);
}

interface Wish {
  hint: 'paths.backup' | 'paths.prefer';
  subflow: Subflow;
  wanted: boolean;
}

interface Done {
  by: 'MP_PRIO' | 'endpoint';
  reason?: MptcpError;
}

const heldOther = (): MptcpError =>
  new MptcpError('ERR_MPTCP_SYSTEM', 'The kernel holds another priority');

const unreachable = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_UNSUPPORTED',
    'A server cannot reach the port that its client connected from: announce() an address instead',
  );

/** None where the kernel hides them. */
const flagsOf = (token: number): ReturnType<typeof readBackupFlags> =>
  readBackupFlags(token).catch(() => new Map());

class PathHinting {
  readonly #paths: ConnectionPaths;
  readonly #hints: PathHints;
  readonly #abort: Abortable;
  readonly #prefer: PathSelector;
  readonly #backup: PathSelector;
  readonly #avoid: PathSelector;
  readonly #results: HintResult[] = [];
  #applied = false;

  constructor(paths: ConnectionPaths, hints: PathHints, abort: Abortable) {
    this.#paths = paths;
    this.#hints = hints;
    this.#abort = abort;
    this.#prefer = places(hints.prefer);
    this.#backup = places(hints.backup);
    this.#avoid = places(hints.avoid);
  }

  async run(): Promise<HintResult[]> {
    await this.#makePreferred();
    await this.#makeMore();
    await this.#prioritize();
    await this.#removeAvoided();
    await this.#removeSurplus();
    return this.#results;
  }

  #connected(): Subflow[] {
    return this.#paths.subflows().filter(isConnected);
  }

  #allowed(): Subflow[] {
    return this.#connected().filter((each) => !isAt(this.#avoid, localOf(each)));
  }

  /** Gives the reason where it failed. */
  async #try(command: () => Promise<unknown>): Promise<MptcpError | undefined> {
    const { signal } = this.#abort;
    throwIfAborted(signal, this.#applied);
    try {
      await command();
      this.#applied = true;
      return undefined;
    } catch (error) {
      if (error instanceof AbortError && signal) {
        throw new AbortError(signal, this.#applied || error.applied);
      }
      return asMptcpError(error);
    }
  }

  #isBackup(local: LocalAddress): boolean {
    return isAt(this.#backup, local) || (this.#prefer.length > 0 && !isAt(this.#prefer, local));
  }

  async #add(from: LocalAddress): Promise<MptcpError | undefined> {
    if (this.#paths.serverSide) return unreachable();
    const { address, interface: name } = from;
    const options = {
      local: address,
      ...(name !== undefined && { interface: name }),
      backup: this.#isBackup(from),
    };
    return this.#try(() => this.#paths.createSubflow(options, this.#abort));
  }

  /** Local addresses that have no subflow, preferred ones first. */
  #unused(): LocalAddress[] {
    const used = this.#paths.inUse().map(({ local }) => local.address);
    const all = usableAddresses(familyOf(this.#paths.remote.address)).filter(
      (each) => !used.includes(each.address) && !isAt(this.#avoid, each),
    );
    return all.sort((one, other) => Number(this.#isBackup(one)) - Number(this.#isBackup(other)));
  }

  async #makePreferred(): Promise<void> {
    for (const place of this.#prefer) {
      const there = (each: Subflow): boolean => isAt([place], localOf(each));
      if (this.#connected().some(there)) continue;
      const from = this.#unused().find((each) => isAt([place], each));
      const reason = from
        ? await this.#add(from)
        : new MptcpError('ERR_MPTCP_NOT_FOUND', `There is no path by ${place} to be had`);
      this.#tell({ hint: 'paths.prefer', wanted: place, by: 'SUBFLOW_CREATE' }, reason);
    }
  }

  async #makeMore(): Promise<void> {
    const { subflows: wanted } = this.#hints;
    if (wanted === undefined || this.#allowed().length > wanted) return;
    let reason: MptcpError | undefined;
    for (const from of this.#unused()) {
      if (this.#allowed().length >= wanted) break;
      reason = (await this.#add(from)) ?? reason;
    }
    const value = this.#allowed().length;
    if (value < wanted) {
      reason ??= new MptcpError('ERR_MPTCP_NOT_FOUND', 'There is no further local address');
    } else reason = undefined;
    this.#tell({ hint: 'paths.subflows', wanted, by: 'SUBFLOW_CREATE', value }, reason);
  }

  /** Which subflows are to be backup, or not. */
  #wishes(): Wish[] {
    const subflows = this.#allowed();
    // Without a preferred one, all others would be backup of nothing.
    const preferred = subflows.some((each) => isAt(this.#prefer, localOf(each)));
    return subflows.flatMap((subflow): Wish[] => {
      const local = localOf(subflow);
      if (isAt(this.#backup, local)) return [{ hint: 'paths.backup', subflow, wanted: true }];
      if (!preferred) return [];
      return [{ hint: 'paths.prefer', subflow, wanted: !isAt(this.#prefer, local) }];
    });
  }

  async #prioritize(): Promise<void> {
    const wishes = this.#wishes();
    if (wishes.length === 0) return;
    const { token } = this.#paths;
    const before = await flagsOf(token);
    const done: Done[] = [];
    for (const { subflow, wanted } of wishes) {
      const isSo = before.get(subflowKey(subflow))?.local === wanted;
      done.push(isSo ? { by: 'MP_PRIO' } : await this.#setBackup(subflow, wanted));
    }
    const after = await flagsOf(token);
    for (const [i, { hint, subflow, wanted }] of wishes.entries()) {
      const { by = 'MP_PRIO', reason } = done[i] ?? {};
      const { local, remote } = subflow;
      const value = after.get(subflowKey(subflow))?.local;
      const held = value === undefined || value === wanted ? undefined : heldOther();
      this.#tell(
        { hint, wanted, by, subflow: { local, remote }, ...(value !== undefined && { value }) },
        reason ?? held,
      );
    }
  }

  async #setBackup(subflow: Subflow, wanted: boolean): Promise<Done> {
    const { endpoints = false } = this.#hints;
    const reason = await this.#try(() => this.#paths.setBackup(subflow, wanted, this.#abort));
    if (!reason) return { by: 'MP_PRIO' };
    if (!endpoints || reason.code !== 'ERR_MPTCP_PATH_MANAGER') return { by: 'MP_PRIO', reason };
    const refused = await this.#try(() => this.#flagEndpoint(subflow, wanted));
    return { by: 'endpoint', ...(refused && { reason: refused }) };
  }

  async #flagEndpoint({ local }: Subflow, backup: boolean): Promise<void> {
    const { commands, release } = useCommands();
    try {
      const address = withoutScope(local.address);
      const isIt = (each: NativeEndpoint): boolean => withoutScope(each.address) === address;
      const endpoint = (await commands.endpoints(undefined, this.#abort)).find(isIt);
      if (!endpoint) {
        throw new MptcpError(
          'ERR_MPTCP_NOT_FOUND',
          `No endpoint has the address ${local.address}: pm.endpoints.add() makes one`,
        );
      }
      const flags = { mask: BACKUP, flags: backup ? BACKUP : 0 };
      await commands.updateEndpointFlags(endpoint.id, flags, this.#abort);
    } finally {
      release();
    }
  }

  async #removeAvoided(): Promise<void> {
    for (const place of this.#avoid) {
      const left = (): Subflow[] =>
        this.#connected().filter((each) => isAt([place], localOf(each)));
      let reason: MptcpError | undefined;
      for (const subflow of left()) {
        reason =
          this.#allowed().length === 0
            ? new MptcpError('ERR_MPTCP_NOT_FOUND', 'The connection has no path elsewhere')
            : await this.#try(() => this.#paths.destroySubflow(subflow, this.#abort));
      }
      const value = left().length;
      this.#tell({ hint: 'paths.avoid', wanted: place, by: 'SUBFLOW_DESTROY', value }, reason);
    }
  }

  async #removeSurplus(): Promise<void> {
    const { subflows: wanted } = this.#hints;
    if (wanted === undefined || this.#allowed().length <= wanted) return;
    const rank = (each: Subflow): number => Number(this.#isBackup(localOf(each)));
    const surplus = this.#allowed()
      .sort((one, other) => rank(one) - rank(other))
      .slice(wanted);
    let reason: MptcpError | undefined;
    for (const subflow of surplus) {
      reason = (await this.#try(() => this.#paths.destroySubflow(subflow, this.#abort))) ?? reason;
    }
    const value = this.#allowed().length;
    this.#tell({ hint: 'paths.subflows', wanted, by: 'SUBFLOW_DESTROY', value }, reason);
  }

  #tell(result: Omit<HintResult, 'applied' | 'reason'>, reason: MptcpError | undefined): void {
    this.#results.push({ ...result, applied: !reason, ...(reason && { reason }) });
  }
}

/** One after the other: each sees what the one before has done. */
const TURN = Symbol('mptcp.pathHinting');

async function untilAborted(turn: Promise<unknown>, { signal }: Abortable): Promise<void> {
  if (!signal) {
    await turn;
    return;
  }
  const over = new AbortController();
  await Promise.race([turn, once(signal, 'abort', { signal: over.signal })]);
  over.abort();
  throwIfAborted(signal, false);
}

export async function hintPaths(
  handle: Tagged<TcpHandle, typeof TURN, Promise<unknown>>,
  hints: PathHints,
  abort: Abortable = {},
): Promise<HintResult[]> {
  const before = handle[TURN] ?? Promise.resolve();
  const turn = untilAborted(before, abort).then(() => {
    if (handle.fd < 0) throw new MptcpError('ERR_MPTCP_CLOSED', 'The connection has closed');
    return new PathHinting(pathsOf(handle), hints, abort).run();
  });
  handle[TURN] = Promise.allSettled([before, turn]);
  const results = await turn;
  const offer = offerOf(handle);
  if (offer) offer.hints = mergeResults(offer.hints, results);
  return results;
}
