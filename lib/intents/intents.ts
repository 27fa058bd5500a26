/**
 * The path part of intents: connections of one intent share one policy, of the PathManager that has
 * the userspace mode.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Abortable } from '../base/abort';
import { MptcpError } from '../base/errors';
import type { Tagged } from '../base/tagged';
import { connectionOf } from '../connection/connection-of';
import { pathsOf } from '../connection/paths';
import { reportedDenyJoinId0 } from '../events/kernel-source';
import { mergeResults } from '../hints/apply';
import type { HintName, HintResult, Intent, PathHints } from '../hints/hints';
import { type PathSelector, places } from '../hints/path-selector';
import { PathManager } from '../path-manager/path-manager';
import type { ManagedPolicy } from '../policy/manage/managed-policy';
import { aggregate, backup, handover, interactive } from '../policy/policies/index';
import type { PathPolicy } from '../policy/policy';
import { onBeforeClose } from '../sockets/before-close';
import { socketOf } from '../sockets/node/handle';
import { type TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { modeOwner } from '../userspace/mode-owner';
import { asMptcpError, hintPaths } from './path-hints';

interface Shared {
  policy: ManagedPolicy;
  tokens: Set<number>;
}

const shared = new WeakMap<PathManager, Map<string, Shared>>();
const LEAVE = Symbol('mptcp.intent');

function policyFor(
  intent: Intent,
  { prefer, backup: standby }: PathHints,
  first: PathSelector,
): PathPolicy {
  if (intent === 'aggregate') return aggregate();
  if (intent === 'interactive') return interactive();
  if (intent === 'handover') return handover({ mode: 'make-before-break', prefer: places(prefer) });
  if (standby !== undefined) return backup({ standby: places(standby) });
  return backup({ primary: first, standby: ({ loopback }) => !loopback });
}

/** Which of the hints about paths are the policy's to carry out. */
const TAKEN: Record<Intent, readonly HintName[]> = {
  aggregate: ['paths.subflows'],
  interactive: ['paths.subflows'],
  handover: ['paths.prefer', 'paths.subflows'],
  backup: ['paths.backup', 'paths.subflows'],
};

function share(owner: PathManager, intent: Intent, paths: PathHints, first: PathSelector): Shared {
  const { subflows } = paths;
  const key = JSON.stringify([intent, paths, intent === 'backup' && first]);
  const ofOwner = shared.get(owner) ?? new Map<string, Shared>();
  shared.set(owner, ofOwner);
  const known = ofOwner.get(key);
  if (known) return known;
  const tokens = new Set<number>();
  const policy = owner.manage(policyFor(intent, paths, first), {
    match: ({ token }) => tokens.has(token),
    ...(subflows !== undefined && { limits: { subflows: subflows - 1 } }),
  });
  policy
    .on('error', (error) =>
      process.emitWarning(`The policy of the intent ${intent} failed: ${String(error)}`, {
        ...{ type: 'MptcpWarning', code: 'MPTCP_POLICY' },
      }),
    )
    .on('close', () => ofOwner.delete(key));
  const made = { policy, tokens };
  ofOwner.set(key, made);
  return made;
}

const noOwner = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_PATH_MANAGER',
    "Paths are an intent's business only where this process manages them: await pm.mode.set('userspace') first. Until then they follow endpoints and limits",
  );

/** Who has the mode hears of every connection; of a new one, in a moment. */
async function untilHeard(token: number): Promise<void> {
  for (let n = 0; n < 200 && reportedDenyJoinId0(token) === undefined; n++) await sleep(5);
}

async function takeOn(
  handle: Tagged<TcpHandle, typeof LEAVE, () => void>,
  intent: Intent,
  paths: PathHints,
  abort: Abortable,
): Promise<void> {
  const owner = modeOwner();
  const socket = socketOf(handle);
  const connection = socket && connectionOf(socket);
  const commanded = pathsOf(handle);
  const { token } = commanded; // throws over TCP
  if (!(owner instanceof PathManager) || !connection) throw noOwner();
  await commanded.checkManaged(abort);
  await untilHeard(token);
  handle[LEAVE]?.();
  const first = commanded.inUse().flatMap((each) => each.interface ?? []);
  const { policy, tokens } = share(owner, intent, paths, first.slice(0, 1));
  await policy.ready;
  tokens.add(token);
  policy.add(connection);
  const leave = (): void => {
    if (!tokens.delete(token)) return;
    policy.remove(connection);
    if (tokens.size === 0) void policy.close();
  };
  handle[LEAVE] = leave;
  onBeforeClose(handle, leave);
}

function pathResults(intent: Intent, paths: PathHints): HintResult[] {
  const { prefer, backup: standby, avoid, subflows } = paths;
  return Object.entries({ prefer, backup: standby, avoid, subflows }).flatMap(([name, given]) => {
    if (given === undefined) return [];
    const hint = `paths.${name}` as HintName;
    const wanted = typeof given === 'number' ? given : places(given).join(' ');
    const applied = TAKEN[intent].includes(hint);
    const why = `The policy of the intent ${intent} decides on that`;
    const reason = new MptcpError('ERR_MPTCP_UNSUPPORTED', why);
    return [{ hint, wanted, by: 'policy', applied, ...(!applied && { reason }) }];
  });
}

/** What is to be done for an intent beyond socket options, and for hints about paths. */
export async function hintIntent(
  handle: TcpHandle,
  { intent, paths }: { intent?: Intent | undefined; paths?: PathHints | undefined },
  abort: Abortable = {},
): Promise<HintResult[]> {
  if (intent === undefined) return paths ? hintPaths(handle, paths, abort) : [];
  const result = { hint: 'intent', wanted: intent, by: 'policy' } as const;
  const results: HintResult[] = [];
  try {
    await takeOn(handle, intent, paths ?? {}, abort);
    results.push({ ...result, applied: true }, ...pathResults(intent, paths ?? {}));
  } catch (error) {
    results.push({ ...result, applied: false, reason: asMptcpError(error) });
    if (paths) results.push(...(await hintPaths(handle, paths, abort)));
  }
  const offer = offerOf(handle);
  if (offer) offer.hints = mergeResults(offer.hints, results);
  return results;
}
