/**
 * Carries out intents by policies: connections with the same intent share one policy, which the
 * PathManager that owns the userspace mode manages.
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
import type { PathManager } from '../path-manager/path-manager';
import type { ManagedPolicy } from '../policy/manage/managed-policy';
import { aggregate, backup, handover, interactive } from '../policy/policies/index';
import type { PathPolicy } from '../policy/policy';
import { onBeforeClose } from '../sockets/before-close';
import { socketOf } from '../sockets/node/handle';
import { type TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { type ModeHolder, modeOwner } from '../userspace/mode-owner';
import { asMptcpError, hintPaths } from './path-hints';

interface SharedPolicy {
  policy: ManagedPolicy;
  /** The connections that it manages. */
  tokens: Set<number>;
}

/** The policies of each owner of the mode, by intent and hints about paths. */
const sharedPolicies = new WeakMap<PathManager, Map<string, SharedPolicy>>();

/** On a handle: removes its connection from the policy of its present intent. */
const LEAVE = Symbol('mptcp.intent');

/** `first`: the interface of the connection's first path. */
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

/** The hints about paths that each intent's policy carries out. */
const POLICY_HINTS: Record<Intent, readonly HintName[]> = {
  aggregate: ['paths.subflows'],
  interactive: ['paths.subflows'],
  handover: ['paths.prefer', 'paths.subflows'],
  backup: ['paths.backup', 'paths.subflows'],
};

function sharedPolicy(
  owner: PathManager,
  intent: Intent,
  paths: PathHints,
  first: PathSelector,
): SharedPolicy {
  const { subflows } = paths;
  const key = JSON.stringify([intent, paths, intent === 'backup' && first]);
  const ofOwner = sharedPolicies.get(owner) ?? new Map<string, SharedPolicy>();
  sharedPolicies.set(owner, ofOwner);
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
  const created = { policy, tokens };
  ofOwner.set(key, created);
  return created;
}

const noOwner = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_PATH_MANAGER',
    "An intent decides on paths only where this process manages them: await pm.mode.set('userspace') first. Until then they follow endpoints and limits",
  );

/** The owner may be of another copy of this package, whose class is another one. */
const isPathManager = (owner: ModeHolder): owner is PathManager => 'manage' in owner;

/** Waits (1 s at most) until the mode's owner has received the connection's `established` event. */
async function untilEstablishedReceived(token: number): Promise<void> {
  for (let n = 0; n < 200 && reportedDenyJoinId0(token) === undefined; n++) await sleep(5);
}

/** Moves the connection to the policy of an intent, from that of an earlier one. */
async function adopt(
  handle: Tagged<TcpHandle, typeof LEAVE, () => void>,
  intent: Intent,
  paths: PathHints,
  abort: Abortable,
): Promise<void> {
  const owner = modeOwner();
  const socket = socketOf(handle);
  const connection = socket && connectionOf(socket);
  const commanded = pathsOf(handle);
  const { token } = commanded; // the getter throws over TCP
  if (!owner || !isPathManager(owner) || !connection) throw noOwner();
  await commanded.checkManaged(abort);
  await untilEstablishedReceived(token);
  handle[LEAVE]?.();
  const first = commanded.inUse().flatMap((each) => each.interface ?? []);
  const { policy, tokens } = sharedPolicy(owner, intent, paths, first.slice(0, 1));
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
    const requested = typeof given === 'number' ? given : places(given).join(' ');
    const applied = POLICY_HINTS[intent].includes(hint);
    const why = `The policy of the intent ${intent} does not carry out ${hint}: use one or the other`;
    const reason = new MptcpError('ERR_MPTCP_UNSUPPORTED', why);
    return [{ hint, requested, by: 'policy', applied, ...(!applied && { reason }) }];
  });
}

/**
 * Carries out the path part of an intent, and hints about paths. Where the intent's policy cannot be
 * applied, the hints are carried out by themselves. The results are added to those of the handle's
 * offer.
 */
export async function hintIntent(
  handle: TcpHandle,
  { intent, paths }: { intent?: Intent | undefined; paths?: PathHints | undefined },
  abort: Abortable = {},
): Promise<HintResult[]> {
  if (intent === undefined) return paths ? hintPaths(handle, paths, abort) : [];
  const result = { hint: 'intent', requested: intent, by: 'policy' } as const;
  const results: HintResult[] = [];
  try {
    await adopt(handle, intent, paths ?? {}, abort);
    results.push({ ...result, applied: true }, ...pathResults(intent, paths ?? {}));
  } catch (error) {
    results.push({ ...result, applied: false, reason: asMptcpError(error) });
    if (paths) results.push(...(await hintPaths(handle, paths, abort)));
  }
  const offer = offerOf(handle);
  if (offer) offer.hints = mergeResults(offer.hints, results);
  return results;
}
