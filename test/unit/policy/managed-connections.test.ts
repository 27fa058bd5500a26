import type { PathManagerEvent } from '../../../lib';
import { ManagedConnections } from '../../../lib/policy/manage/managed-connections';

const TOKEN = 1;
const ends = {
  local: { address: '192.0.2.1', port: 40_000 },
  remote: { address: '192.0.2.2', port: 80 },
} as const;
const subflow = { token: TOKEN, ...ends, localId: 0, remoteId: 0, source: 'kernel' } as const;

const established = { type: 'established', source: 'kernel', token: TOKEN, ...ends };
const lost = { type: 'subflowClosed', ...subflow, error: 'ECONNRESET' };
const closed = { type: 'closed', source: 'kernel', token: TOKEN };

test.each([true, false])(
  'forgets how paths were lost with the connection, managed: %s',
  (managed) => {
    const connections = new ManagedConnections({
      isOwn: () => true,
      isManaged: () => managed,
      began: () => undefined,
      ended: () => undefined,
      receive: () => undefined,
    });
    const receive = (...events: object[]): void =>
      events.forEach((event) => connections.receive(event as PathManagerEvent));
    receive(established, lost);
    expect(connections.lossOf(TOKEN)).toMatchObject({ error: 'ECONNRESET' });
    receive(closed);
    expect(connections.lossOf(TOKEN)).toBeUndefined();
  },
);
