/** Peers whose connections policies of the package manage. */
import type { ManageOptions, policies } from '../../../lib';
import type { Namespace } from '../../lab/namespace';
import { Peer } from './peer';

type Policies = typeof policies;
/** The name of one of the package's policies, and its arguments. */
export type Named = readonly [name: keyof Policies, ...args: unknown[]];
type Options = Omit<ManageOptions, 'match' | 'signal'>;

/** Starts a peer that these policies manage together. */
export async function managedPeer(
  host: Namespace,
  named: readonly Named[],
  options: Options = {},
): Promise<Peer> {
  const peer = await Peer.start(host);
  await manage(peer, named, options);
  return peer;
}

/** Lets policies manage the peer's connections; records actions and refusals in its state. */
export function manage(peer: Peer, named: readonly Named[], options: Options = {}): Promise<void> {
  return peer.run(
    async ({ mptcp, state }, all, given) => {
      const pathManager = (state.pathManager = await mptcp.PathManager.open());
      const { by = 'userspace' } = given;
      if (by === 'userspace') await pathManager.mode.set('userspace');
      const made = all.map(([name, ...args]) =>
        (mptcp.policies[name] as (...of: unknown[]) => ReturnType<Policies['fullmesh']>)(...args),
      );
      const policy = made.length === 1 ? made[0]! : mptcp.policies.all(...made);
      const managed = (state.managed = pathManager.manage(policy, given));
      state.actions = [];
      state.refusals = [];
      managed
        .on('action', (action) => state.actions.push(action))
        .on('refused', ({ type, reason }, { message }) =>
          state.refusals.push(`${type} (${reason}): ${message}`),
        );
      await managed.ready;
    },
    named,
    options,
  );
}
