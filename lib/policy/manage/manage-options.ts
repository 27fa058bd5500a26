import { type Abortable, throwIfAborted } from '../../base/abort';
import {
  checkFunction,
  checkIfGiven,
  checkInteger,
  checkObject,
  checkOneOf,
  checkSignal,
  checkString,
  invalidArgValue,
} from '../../base/arguments';
import type { EstablishedEvent } from '../../events/events';
import type { PathPolicy, PolicyLimits } from '../policy';

const MEANS = ['userspace', 'endpoints', 'report'] as const;
const SCOPES = ['process', 'namespace'] as const;
const HEALINGS = ['report', 'backup', 'renew'] as const;
const MOST_MS = 0x7fff_ffff;

export interface ManageOptions extends Abortable {
  /**
   * `process`, the default: the MPTCP connections of this environment (main thread or worker), as
   * they begin; and those that are given to add(). `namespace`: those of all processes.
   */
  scope?: (typeof SCOPES)[number];
  /** Which of them. All unless given. */
  match?: (connection: EstablishedEvent) => boolean;
  limits?: Partial<PolicyLimits>;
  /**
   * `userspace`, the default: each connection by commands of its own, where `pm.mode` was set to
   * userspace. `endpoints`: what the policy's `endpoints()` wants, under the in-kernel path manager,
   * for every connection of the namespace. `report`: nothing is done, paths are only watched.
   */
  by?: (typeof MEANS)[number];
  /**
   * With `endpoints`, what becomes of the endpoint of a path that went dark, for every connection of
   * the namespace: nothing (`report`, the default), it is flagged `backup` until the path works
   * again, or it is deleted and added anew (`renew`), with back-off.
   */
  healing?: (typeof HEALINGS)[number];
}

export function checkManageOptions(
  policy: unknown,
  options: unknown,
): asserts options is ManageOptions {
  checkPolicy(policy);
  checkObject('options', options);
  const { scope, match, limits, by, healing, signal } = options as ManageOptions;
  checkIfGiven(checkOneOf, 'options.scope', scope, SCOPES);
  checkIfGiven(checkFunction, 'options.match', match);
  checkIfGiven(checkObject, 'options.limits', limits);
  checkIfGiven(checkInteger, 'options.limits.subflows', limits?.subflows, 0, 255);
  checkIfGiven(checkInteger, 'options.limits.addresses', limits?.addresses, 0, 255);
  checkIfGiven(checkOneOf, 'options.by', by, MEANS);
  checkIfGiven(checkOneOf, 'options.healing', healing, HEALINGS);
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
  for (const method of ['permits', 'endpoints'] as const) {
    checkIfGiven(checkFunction, `policy.${method}`, given[method]);
  }
  checkFunction('policy.decide', given.decide);
}
