/** The policy all(). */
import { checkFunction, checkObject, invalidArgType } from '../../base/arguments';
import { Overlay } from '../overlay';
import type { EndpointOptions } from '../../endpoints/endpoint';
import type {
  ConnectionView,
  CreateSubflowAction,
  OpeningView,
  PathAction,
  PathPolicy,
  PolicyAction,
  PolicyEvent,
  PolicyView,
} from '../policy';
import { isSamePair, pairOf } from '../view-queries';

/**
 * Joins several policies to one. An action that one of them does not permit is dropped. Where they
 * answer an event with opposite priorities for a path, the first policy wins; where one destroys a
 * path, none opens one between its addresses in the same answer. An error that one throws drops the
 * answers of all to that event. The paths are polled at the shortest interval of any of them. Under
 * the in-kernel path manager it has the endpoints of all of them; one that is both `signal` and
 * `fullmesh`, which the kernel refuses, is `signal`.
 */
export function all(...policies: PathPolicy[]): PathPolicy {
  policies.forEach((policy, index) => checkPolicy(`policies[${index}]`, policy));
  const progress = Math.min(...policies.map((each) => each.progress ?? Infinity));
  const withEndpoints = policies.filter((each) => 'endpoints' in each);
  return {
    name: policies.map(({ name }) => name).join(' + '),
    ...(progress !== Infinity && { progress }),
    perConnection: policies.every(({ perConnection }) => perConnection === true),
    decide: (view, event) => withoutConflicts(answers(policies, view, event)),
    permits: (view, action) => policies.every((each) => each.permits?.(view, action) ?? true),
    ...(withEndpoints.length > 0 && {
      endpoints: (view: Pick<PolicyView, 'interfaces' | 'leaving'>) =>
        mergeEndpoints(withEndpoints.flatMap((each) => each.endpoints?.(view) ?? [])),
    }),
  };
}

function checkPolicy(name: string, value: unknown): void {
  checkObject(name, value);
  const policy = value as Partial<PathPolicy>;
  if (typeof policy.name !== 'string') {
    throw invalidArgType(`${name}.name`, 'of type string', policy.name);
  }
  checkFunction(`${name}.decide`, policy.decide);
}

function answers(
  policies: readonly PathPolicy[],
  view: PolicyView,
  event: PolicyEvent,
): PolicyAction[] {
  const connections = new Overlay(view.connections);
  const current = { ...view, connections };
  return policies.flatMap((policy) => {
    const others = policies.filter((each) => each !== policy);
    const permits = (action: PathAction): boolean =>
      others.every((each) => each.permits?.(current, action) ?? true);
    const outer = view.permits;
    const innerView = {
      ...view,
      permits: (action: PathAction) => permits(action) && (outer?.(action) ?? true),
    };
    return policy.decide(innerView, event).filter((action) => {
      if (action.type === 'wake') return true;
      if (!permits(action)) return false;
      if (action.type === 'createSubflow') addOpening(connections, view.now, action);
      return true;
    });
  });
}

/** Shows a subflow as being opened, to the policies that permit the next one. */
function addOpening(
  connections: Overlay<number, ConnectionView>,
  since: number,
  { token, local, remote, backup = false, insteadOf }: CreateSubflowAction,
): void {
  const connection = connections.get(token);
  if (!connection) return;
  const opening: OpeningView = {
    ...{ local: local.address, remote, backup, since },
    ...(insteadOf !== undefined && { insteadOf }),
  };
  connections.replace(token, { ...connection, opening: [...connection.opening, opening] });
}

function withoutConflicts(actions: readonly PolicyAction[]): PolicyAction[] {
  const destroyed = actions.filter((each) => each.type === 'destroySubflow');
  const priorities = actions.filter((each) => each.type === 'setBackup');
  return actions.filter((action) => {
    if (action.type === 'createSubflow') {
      const pair = { local: action.local.address, remote: action.remote };
      return !destroyed.some(
        (each) => each.token === action.token && isSamePair(pairOf(each), pair),
      );
    }
    if (action.type !== 'setBackup') return true;
    const first = priorities.find(
      (each) =>
        each.token === action.token &&
        each.local.port === action.local.port &&
        isSamePair(pairOf(each), pairOf(action)),
    );
    return first?.backup === action.backup;
  });
}

/** Merges the endpoints of one address and port, so that each has the flags of all. */
function mergeEndpoints(endpoints: readonly EndpointOptions[]): EndpointOptions[] {
  const found = new Map<string, EndpointOptions>();
  for (const endpoint of endpoints) {
    const key = `${endpoint.address} ${endpoint.port ?? ''}`;
    const known = found.get(key);
    if (!known) found.set(key, endpoint);
    else found.set(key, merge(known, endpoint));
  }
  return [...found.values()];
}

/** The kernel refuses an endpoint that is both `signal` and `fullmesh`: `signal` has precedence. */
function merge(one: EndpointOptions, other: EndpointOptions): EndpointOptions {
  const signal = one.signal === true || other.signal === true;
  const both = { ...one, ...other };
  for (const flag of ['subflow', 'backup', 'laminar'] as const) {
    if (one[flag] || other[flag]) both[flag] = true;
  }
  const fullmesh = (one.fullmesh === true || other.fullmesh === true) && !signal;
  return { ...both, ...(signal && { signal }), fullmesh };
}
