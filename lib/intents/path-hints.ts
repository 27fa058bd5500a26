/** Carries out hints about paths: which subflows a connection has, and which of them are backups. */
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
import type { LocalAddress } from '../interfaces/local-addresses';
import { usableAddresses } from '../interfaces/usable-addresses';
import { ENDPOINT_FLAGS, TCP_STATES } from '../kernel/constants';
import type { TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { useCommands } from '../userspace/shared-commands';

const { BACKUP } = ENDPOINT_FLAGS;
const { ESTABLISHED } = TCP_STATES;

const localOf = ({ local, interface: name }: Subflow): LocalAddress => ({
  address: local.address,
  ...(name !== undefined && { interface: name }),
});

const isConnected = ({ tcpInfo }: Subflow): boolean => tcpInfo.state === ESTABLISHED;

/** Wraps what is not an MptcpError as one with the code ERR_MPTCP_SYSTEM. */
export function asMptcpError(error: unknown): MptcpError {
  if (error instanceof MptcpError) return error;
  return systemError('ERR_MPTCP_SYSTEM', error, (error as Error).message);
}

interface PriorityRequest {
  hint: 'paths.backup' | 'paths.prefer';
  subflow: Subflow;
  backup: boolean;
}

interface PriorityOutcome {
  by: 'MP_PRIO' | 'endpoint';
  /** Why it failed; absent: it did not. */
  reason?: MptcpError;
}

const noFurtherAddress = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    'Every usable local address has a subflow: add an address, or request fewer subflows',
  );

const noSubflowAt = (place: string): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    `The connection has no subflow at ${place} to make a backup: check its name, or hint again once there is one`,
  );

const otherPriority = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_SYSTEM',
    'The kernel reports another priority than was set: another process may have changed it, hint again',
  );

const unreachable = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_UNSUPPORTED',
    'A server cannot open a subflow to the port that its client connected from: announce() an address instead',
  );

/** The backup flags of a connection's subflows; empty without the privilege to read them. */
const flagsOf = (token: number): ReturnType<typeof readBackupFlags> =>
  readBackupFlags(token).catch(() => new Map());

/** One hint about paths at work on one connection. */
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
    await this.#createPreferred();
    await this.#createMissing();
    await this.#prioritize();
    await this.#destroyAvoided();
    await this.#destroySurplus();
    return this.#results;
  }

  #connected(): Subflow[] {
    return this.#paths.subflows().filter(isConnected);
  }

  /** The connected subflows that no hint avoids. */
  #allowed(): Subflow[] {
    return this.#connected().filter((each) => !isAt(this.#avoid, localOf(each)));
  }

  /** Runs a command, and returns the reason where it fails. Throws an AbortError where it is aborted. */
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

  async #create(from: LocalAddress): Promise<MptcpError | undefined> {
    if (this.#paths.serverSide) return unreachable();
    const { address, interface: name } = from;
    const options = {
      local: address,
      ...(name !== undefined && { interface: name }),
      backup: this.#isBackup(from),
    };
    return this.#try(() => this.#paths.createSubflow(options, this.#abort));
  }

  /** The local addresses without a subflow, preferred ones first. */
  async #unused(): Promise<LocalAddress[]> {
    const { commands, release } = useCommands();
    try {
      const family = familyOf(this.#paths.remote.address);
      const usable = await usableAddresses(commands, family, this.#abort);
      const used = this.#paths.inUse().map(({ local }) => local.address);
      return usable
        .filter((each) => !used.includes(each.address) && !isAt(this.#avoid, each))
        .sort((one, other) => Number(this.#isBackup(one)) - Number(this.#isBackup(other)));
    } finally {
      release();
    }
  }

  async #createPreferred(): Promise<void> {
    for (const place of this.#prefer) {
      if (this.#connected().some((each) => isAt([place], localOf(each)))) continue;
      const from = (await this.#unused()).find((each) => isAt([place], each));
      const reason = from
        ? await this.#create(from)
        : new MptcpError(
            'ERR_MPTCP_NOT_FOUND',
            `No usable address without a subflow is at ${place}: check its name, its link and its address`,
          );
      this.#report({ hint: 'paths.prefer', requested: place, by: 'SUBFLOW_CREATE' }, reason);
    }
  }

  async #createMissing(): Promise<void> {
    const { subflows: requested } = this.#hints;
    if (requested === undefined || this.#allowed().length > requested) return;
    let reason: MptcpError | undefined;
    for (const from of await this.#unused()) {
      if (this.#allowed().length >= requested) break;
      reason = (await this.#create(from)) ?? reason;
    }
    const value = this.#allowed().length;
    if (value >= requested) reason = undefined;
    else reason ??= noFurtherAddress();
    this.#report({ hint: 'paths.subflows', requested, by: 'SUBFLOW_CREATE', value }, reason);
  }

  /** Which subflows are to become backups, or regular. */
  #priorityRequests(): PriorityRequest[] {
    const subflows = this.#allowed();
    // Without a preferred path, the others would be backups of nothing.
    const hasPreferred = subflows.some((each) => isAt(this.#prefer, localOf(each)));
    return subflows.flatMap((subflow): PriorityRequest[] => {
      const local = localOf(subflow);
      if (isAt(this.#backup, local)) return [{ hint: 'paths.backup', subflow, backup: true }];
      if (!hasPreferred) return [];
      return [{ hint: 'paths.prefer', subflow, backup: !isAt(this.#prefer, local) }];
    });
  }

  /** Reports each place of `paths.backup` where the connection has no subflow. */
  #reportAbsent(): void {
    for (const place of this.#backup) {
      if (this.#connected().some((each) => isAt([place], localOf(each)))) continue;
      this.#report({ hint: 'paths.backup', requested: place, by: 'MP_PRIO' }, noSubflowAt(place));
    }
  }

  async #prioritize(): Promise<void> {
    this.#reportAbsent();
    const requests = this.#priorityRequests();
    if (requests.length === 0) return;
    const { token } = this.#paths;
    const before = await flagsOf(token);
    const outcomes: PriorityOutcome[] = [];
    for (const { subflow, backup } of requests) {
      const isDone = before.get(subflowKey(subflow))?.local === backup;
      outcomes.push(isDone ? { by: 'MP_PRIO' } : await this.#setBackup(subflow, backup));
    }
    const after = await flagsOf(token);
    for (const [i, { hint, subflow, backup }] of requests.entries()) {
      const { by = 'MP_PRIO', reason } = outcomes[i] ?? {};
      const { local, remote } = subflow;
      const value = after.get(subflowKey(subflow))?.local;
      const mismatch = value === undefined || value === backup ? undefined : otherPriority();
      const common = { hint, requested: backup, by, subflow: { local, remote } };
      this.#report({ ...common, ...(value !== undefined && { value }) }, reason ?? mismatch);
    }
  }

  async #setBackup(subflow: Subflow, backup: boolean): Promise<PriorityOutcome> {
    const { endpoints = false } = this.#hints;
    const reason = await this.#try(() => this.#paths.setBackup(subflow, backup, this.#abort));
    if (!reason) return { by: 'MP_PRIO' };
    if (!endpoints || reason.code !== 'ERR_MPTCP_PATH_MANAGER') return { by: 'MP_PRIO', reason };
    const refused = await this.#try(() => this.#flagEndpoint(subflow, backup));
    return { by: 'endpoint', ...(refused && { reason: refused }) };
  }

  async #flagEndpoint({ local }: Subflow, backup: boolean): Promise<void> {
    const { commands, release } = useCommands();
    try {
      const address = withoutScope(local.address);
      const matches = (each: NativeEndpoint): boolean => withoutScope(each.address) === address;
      const endpoint = (await commands.endpoints(undefined, this.#abort)).find(matches);
      if (!endpoint) {
        throw new MptcpError(
          'ERR_MPTCP_NOT_FOUND',
          `No endpoint has the address ${local.address}: add one by pm.endpoints.add()`,
        );
      }
      const flags = { mask: BACKUP, flags: backup ? BACKUP : 0 };
      await commands.updateEndpointFlags(endpoint.id, flags, this.#abort);
    } finally {
      release();
    }
  }

  async #destroyAvoided(): Promise<void> {
    for (const place of this.#avoid) {
      const left = (): Subflow[] =>
        this.#connected().filter((each) => isAt([place], localOf(each)));
      let reason: MptcpError | undefined;
      for (const subflow of left()) {
        reason =
          this.#allowed().length === 0
            ? new MptcpError(
                'ERR_MPTCP_NOT_FOUND',
                `The connection has no other path: open one before ${place} is avoided`,
              )
            : await this.#try(() => this.#paths.destroySubflow(subflow, this.#abort));
      }
      const value = left().length;
      this.#report({ hint: 'paths.avoid', requested: place, by: 'SUBFLOW_DESTROY', value }, reason);
    }
  }

  async #destroySurplus(): Promise<void> {
    const { subflows: requested } = this.#hints;
    if (requested === undefined || this.#allowed().length <= requested) return;
    const rank = (each: Subflow): number => Number(this.#isBackup(localOf(each)));
    const surplus = this.#allowed()
      .sort((one, other) => rank(one) - rank(other))
      .slice(requested);
    let reason: MptcpError | undefined;
    for (const subflow of surplus) {
      reason = (await this.#try(() => this.#paths.destroySubflow(subflow, this.#abort))) ?? reason;
    }
    const value = this.#allowed().length;
    this.#report({ hint: 'paths.subflows', requested, by: 'SUBFLOW_DESTROY', value }, reason);
  }

  #report(result: Omit<HintResult, 'applied' | 'reason'>, reason: MptcpError | undefined): void {
    this.#results.push({ ...result, applied: !reason, ...(reason && { reason }) });
  }
}

/** The results of hints about paths for a connection that cannot have more than one. */
function resultsOverTcp(hints: PathHints, reason: MptcpError): HintResult[] {
  const { prefer, backup, avoid, subflows } = hints;
  const result = (
    hint: HintResult['hint'],
    requested: HintResult['requested'],
    by: HintResult['by'],
  ): HintResult => ({ hint, requested, by, applied: false, reason });
  return [
    ...places(prefer).map((place) => result('paths.prefer', place, 'SUBFLOW_CREATE')),
    ...places(backup).map((place) => result('paths.backup', place, 'MP_PRIO')),
    ...places(avoid).map((place) => result('paths.avoid', place, 'SUBFLOW_DESTROY')),
    ...(subflows === undefined ? [] : [result('paths.subflows', subflows, 'SUBFLOW_CREATE')]),
  ];
}

/** Why the connection has no paths to choose; undefined: it speaks MPTCP. */
function whyTcp(paths: ConnectionPaths): MptcpError | undefined {
  try {
    paths.checkMptcp();
    return undefined;
  } catch (error) {
    return asMptcpError(error);
  }
}

/** On a handle: the last hint about its paths, after which the next one is carried out. */
const TURN = Symbol('mptcp.pathHinting');

/** Waits for a turn, but not beyond an abort. */
async function waitForTurn(turn: Promise<unknown>, { signal }: Abortable): Promise<void> {
  if (!signal) {
    await turn;
    return;
  }
  const done = new AbortController();
  await Promise.race([turn, once(signal, 'abort', { signal: done.signal })]);
  done.abort();
  throwIfAborted(signal, false);
}

/**
 * Carries out hints about the paths of a connection, once those given before are done. The results
 * are added to those of the handle's offer. Throws ERR_MPTCP_CLOSED where the connection has closed,
 * and an AbortError.
 */
export async function hintPaths(
  handle: Tagged<TcpHandle, typeof TURN, Promise<unknown>>,
  hints: PathHints,
  abort: Abortable = {},
): Promise<HintResult[]> {
  const before = handle[TURN] ?? Promise.resolve();
  const turn = waitForTurn(before, abort).then(() => {
    if (handle.fd < 0) throw new MptcpError('ERR_MPTCP_CLOSED', 'The connection has closed');
    const paths = pathsOf(handle);
    const reason = whyTcp(paths);
    return reason ? resultsOverTcp(hints, reason) : new PathHinting(paths, hints, abort).run();
  });
  handle[TURN] = Promise.allSettled([before, turn]);
  const results = await turn;
  const offer = offerOf(handle);
  if (offer) offer.hints = mergeResults(offer.hints, results);
  return results;
}
