/** What bench/policies.ts compares: policies and intents, each with the in-kernel path manager's way. */

/** Which host has the policy, and which one sends. */
export type Role = 'client sends' | 'server sends' | 'client receives';

/** The client's endpoints, by which the in-kernel path manager opens its subflows; 'none': none. */
export type Endpoints = 'none' | 'subflow' | 'backup' | 'fullmesh';

/** What a contender is, as JSON for the process that has it. */
export type Management =
  /** The in-kernel path manager. */
  | { kind: 'kernel' }
  /** The userspace mode without a policy of its own. */
  | { kind: 'mode' }
  | { kind: 'policy'; policies: readonly [name: string, ...options: unknown[]][] }
  | { kind: 'intent'; intent: string };

export interface Contender {
  management: Management;
  /** The endpoints of a client that has no policy itself. */
  endpoints: Endpoints;
  /** The contender to which it is compared: of the same role. */
  against: string;
}

const kernelName = (endpoints: Endpoints): string => `in-kernel, ${endpoints}`;

const kernel = (endpoints: Endpoints, against = endpoints): Contender => ({
  management: { kind: 'kernel' },
  endpoints,
  against: kernelName(against),
});

/**
 * The contenders of a role, by name. `links`: the names of the interfaces. What uses all paths is
 * compared with `subflow` endpoints, a standby with `backup` endpoints, a single path with none.
 */
export function contenders(role: Role, links: readonly string[]): Map<string, Contender> {
  const single: Endpoints = role === 'server sends' ? 'subflow' : 'none';
  const compared = (management: Management, endpoints: Endpoints): Contender => ({
    management,
    // A server's client opens the subflows, and the server decides which of them are backups.
    endpoints: role === 'server sends' ? 'subflow' : 'none',
    against: kernelName(endpoints),
  });
  const policy = (
    endpoints: Endpoints,
    ...policies: [name: string, ...options: unknown[]][]
  ): Contender => compared({ kind: 'policy', policies }, endpoints);
  const intent = (endpoints: Endpoints, name: string): Contender =>
    compared({ kind: 'intent', intent: name }, endpoints);
  const standby = links.slice(1);
  // A server's subflows begin at the address that its client connects to: none is on a standby.
  const aside: Endpoints = role === 'server sends' ? 'subflow' : 'backup';
  return new Map<string, Contender>([
    [kernelName('subflow'), kernel('subflow')],
    [kernelName('fullmesh'), kernel('fullmesh', 'subflow')],
    [kernelName('backup'), kernel('backup')],
    [kernelName('none'), kernel('none')],
    [
      'no policy',
      { management: { kind: 'mode' }, endpoints: 'subflow', against: kernelName('subflow') },
    ],
    ['perInterface()', policy('subflow', ['perInterface'])],
    ['fullmesh()', policy('subflow', ['fullmesh'])],
    ['aggregate()', policy('subflow', ['aggregate'])],
    ['all(perInterface(), heal())', policy('subflow', ['perInterface'], ['heal'])],
    ['all(fullmesh(), heal())', policy('subflow', ['fullmesh'], ['heal'])],
    ['backup()', policy(aside, ['backup', { standby }])],
    ['interactive()', policy('backup', ['interactive'])],
    ['handover()', policy(single, ['handover', { mode: 'make-before-break' }])],
    ['heal()', policy(single, ['heal'])],
    ...(role === 'server sends'
      ? [] // it acts on a client's connections only
      : [['ndiffports()', policy('none', ['ndiffports', 2])] as const]),
    ["intent 'aggregate'", intent('subflow', 'aggregate')],
    ["intent 'backup'", intent(aside, 'backup')],
    ["intent 'interactive'", intent('backup', 'interactive')],
    ["intent 'handover'", intent(single, 'handover')],
  ]);
}
