/** MPD6xx: whether servers listen where they announce. */
import { isAddress, isLoopback } from '../../base/addresses';
import { type Check, check, type Fault } from '../check';
import type { State } from '../state';

/** Whether an MPTCP socket listens at an address and port. */
const isServed = (
  { address, port }: { address: string; port: number },
  listeners: State['listeners'],
): boolean =>
  listeners.some(
    (each) =>
      each.port === port &&
      (['0.0.0.0', '::'].includes(each.address) || isAddress(each.address, address)),
  );

const BOUND_ELSEWHERE = check({
  id: 'MPD601',
  title: 'Servers listen at the addresses that are announced',
  needs: ['MPD103', 'MPD301'],
  reads: ['listeners', 'endpoints'],
  judge({ listeners, endpoints }): Fault[] {
    const announced = endpoints.filter(({ signal, port }) => signal && port === undefined);
    // The kernel itself listens for the endpoints with a port.
    const ports = endpoints.flatMap(({ port }) => port ?? []);
    const servers = listeners.filter(
      ({ address, port }) => !isLoopback(address) && !ports.includes(port),
    );
    return Array.from(new Set(servers.map(({ port }) => port))).flatMap((port) =>
      announced
        .filter(({ address }) => !isServed({ address, port }, listeners))
        .map(({ id, address }): Fault => {
          const at = servers.filter((each) => each.port === port).map((each) => each.address);
          return {
            severity: 'error',
            message: `The endpoint ${id} announces ${address}, and the server of port ${port} listens at ${at.join(', ')} alone: joins are refused. Let it listen at all addresses (0.0.0.0 or ::).`,
            evidence: { [`ss -Mln sport = :${port}`]: at.join(' '), [`endpoint ${id}`]: address },
          };
        }),
    );
  },
});

const NO_LISTENER = check({
  id: 'MPD602',
  title: 'Somebody listens at the addresses that userspace has announced',
  needs: ['MPD103'],
  reads: ['listeners', 'connections'],
  judge({ listeners, connections }): Fault[] {
    const missing = new Map<string, { address: string; port: number; count: number }>();
    for (const { userspace = [], local } of connections) {
      for (const { signal, address, port = local.port } of userspace) {
        if (!signal || isServed({ address, port }, listeners)) continue;
        const key = `${address} ${port}`;
        const known = missing.get(key) ?? { address, port, count: 0 };
        missing.set(key, { ...known, count: known.count + 1 });
      }
    }
    return Array.from(missing.values(), ({ address, port, count }) => ({
      severity: 'error',
      message: `The userspace path manager has announced ${address} with port ${port}, and no MPTCP socket listens there: joins are refused.`,
      evidence: { [`ss -Mln sport = :${port}`]: 'none', connections: count },
    }));
  },
});

export const SERVERS: readonly Check[] = [BOUND_ELSEWHERE, NO_LISTENER];
