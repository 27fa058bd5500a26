/** The options of PathManager's manage(), and their checks. */
import { type Abortable, throwIfAborted } from '../../base/abort';
import {
  checkBoolean,
  checkFunction,
  checkIfGiven,
  checkInteger,
  checkKeys,
  checkObject,
  checkOneOf,
  checkSignal,
  checkString,
  invalidArgValue,
  type Keys,
} from '../../base/arguments';
import type { EstablishedEvent } from '../../events/events';
import { checkGiveUp, GIVE_UP_KEYS, type GiveUp } from '../../sockets/give-up';
import type { PathPolicy, PolicyLimits } from '../policy';

const MEANS = ['userspace', 'endpoints', 'report'] as const;
const SCOPES = ['process', 'namespace'] as const;
const HEALINGS = ['report', 'backup', 'renew'] as const;
const MOST_MS = 0x7fff_ffff;

/** Options of PathManager's manage(). */
export interface ManageOptions extends Abortable {
  /**
   * Which connections the policy manages. `process`, the default: the MPTCP connections of this
   * environment (main thread or worker) that begin from now on, and those that are given to add().
   * `namespace`: those of all processes.
   */
  scope?: (typeof SCOPES)[number];
  /** Selects connections of the scope; all unless given. What it throws counts as false. */
  match?: (connection: EstablishedEvent) => boolean;
  /** Lowers the limits of each connection: `subflows` and `addresses`, 0 to 255. */
  limits?: Partial<PolicyLimits>;
  /**
   * How the policy acts. `userspace`, the default: by commands for each connection, after `pm.mode`
   * was set to userspace. `endpoints`: by the endpoints that its `endpoints()` requests, under the
   * in-kernel path manager, for every connection of the namespace. `report`: not at all; paths are
   * only watched.
   */
  by?: (typeof MEANS)[number];
  /**
   * With `endpoints`: what becomes of the endpoint of a path that is dark, for every connection of
   * the namespace. `report`, the default: nothing. `backup`: it is flagged backup until the path
   * works again. `renew`: it is deleted and added again, with back-off.
   */
  healing?: (typeof HEALINGS)[number];
  /**
   * How long, in milliseconds, a connection of this environment that has lost its last path is kept for
   * the policy to open another: 3,000 after a reset and 15,000 after a time-out or a lost link, unless
   * given, and not longer than its keep-alive lets the peer be silent. It then ends with the code of
   * TCP (ECONNRESET, ETIMEDOUT …). The option `mptcp.giveUp` of the connection itself comes first.
   */
  giveUp?: number | Partial<GiveUp>;
}

const LIMIT_KEYS: Keys<PolicyLimits> = { subflows: true, addresses: true };
const KEYS: Keys<ManageOptions> = {
  scope: true,
  match: true,
  limits: LIMIT_KEYS,
  by: true,
  healing: true,
  giveUp: GIVE_UP_KEYS,
  signal: true,
};

/** Throws Node's errors for bad arguments, and an AbortError where the signal is aborted. */
export function checkManageOptions(
  policy: unknown,
  options: unknown,
): asserts options is ManageOptions {
  checkPolicy(policy);
  checkKeys<ManageOptions>('options', options, KEYS);
  const { scope, match, limits, by, healing, giveUp, signal } = options as ManageOptions;
  checkIfGiven(checkOneOf, 'options.scope', scope, SCOPES);
  checkIfGiven(checkFunction, 'options.match', match);
  checkIfGiven(checkKeys<PolicyLimits>, 'options.limits', limits, LIMIT_KEYS);
  checkIfGiven(checkInteger, 'options.limits.subflows', limits?.subflows, 0, 255);
  checkIfGiven(checkInteger, 'options.limits.addresses', limits?.addresses, 0, 255);
  checkIfGiven(checkOneOf, 'options.by', by, MEANS);
  checkIfGiven(checkOneOf, 'options.healing', healing, HEALINGS);
  checkIfGiven(checkGiveUp, 'options.giveUp', giveUp);
  checkSignal('options.signal', signal);
  throwIfAborted(signal, false);
  if (by === 'endpoints' && !policy.endpoints) {
    throw invalidArgValue(
      'options.by',
      by,
      `is not for the policy ${policy.name}: it has no endpoints()`,
    );
  }
  if (healing !== undefined && by !== 'endpoints') {
    throw invalidArgValue('options.healing', healing, "needs by: 'endpoints'");
  }
}

function checkPolicy(policy: unknown): asserts policy is PathPolicy {
  checkObject('policy', policy);
  const given: Partial<Record<keyof PathPolicy, unknown>> = policy;
  checkString('policy.name', given.name);
  checkIfGiven(checkInteger, 'policy.progress', given.progress, 1, MOST_MS);
  checkIfGiven(checkBoolean, 'policy.perConnection', given.perConnection);
  for (const method of ['permits', 'endpoints'] as const) {
    checkIfGiven(checkFunction, `policy.${method}`, given[method]);
  }
  checkFunction('policy.decide', given.decide);
}
