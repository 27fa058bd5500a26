/** Tests the table of known connections, and the events that lead from one state to another. */
import type { Address, PathManagerEvent } from '../../../lib';
import { adopt, apply, type Connections, copy, difference } from '../../../lib/events/table';

const at = (address: string, port: number): Address => ({ address, port, family: 'IPv4' });
const local = at('10.0.0.1', 1000);
const remote = at('10.0.0.2', 80);
const begin = { source: 'kernel', token: 7, local, remote, serverSide: false } as const;
const created: PathManagerEvent = { type: 'created', ...begin };
const established: PathManagerEvent = { type: 'established', ...begin };
const second = { source: 'kernel', token: 7, local: at('10.0.1.1', 2000), remote } as const;
const joined: PathManagerEvent = { type: 'subflowEstablished', ...second, localId: 1 };
const left: PathManagerEvent = { type: 'subflowClosed', ...second, localId: 1 };
const closed: PathManagerEvent = { type: 'closed', source: 'kernel', token: 7 };
const announced: PathManagerEvent = {
  ...{ type: 'announced', source: 'kernel', token: 7, remoteId: 3, address: '10.0.0.3' },
};

function after(...events: PathManagerEvent[]): Connections {
  const connections: Connections = new Map();
  for (const event of events) apply(connections, event);
  return connections;
}

const types = (events: PathManagerEvent[]): string[] => events.map(({ type }) => type);

test('the end of a connection ends its subflows', () => {
  const connections = after(created, established, joined);
  expect(apply(connections, closed)).toMatchObject([
    { type: 'subflowClosed', source: 'derived', local },
    { type: 'subflowClosed', source: 'derived', local: second.local, localId: 1 },
    { type: 'closed', source: 'kernel', local, remote },
  ]);
  expect(connections.size).toBe(0);
});

test('a replayed event that is known yields nothing, a new one does', () => {
  const connections = after(created, established, joined);
  for (const event of [created, established, joined]) {
    expect(apply(connections, event, true)).toEqual([]);
  }
  expect(types(apply(connections, left, true))).toEqual(['subflowClosed']);
  expect(apply(connections, left, true)).toEqual([]);
  apply(connections, closed, true);
  expect(apply(connections, closed, true)).toEqual([]);
});

test('the difference of two states leads from one to the other', () => {
  const all = after(created, established, joined, announced);
  expect(types(difference(new Map(), all))).toEqual([
    ...['created', 'established', 'subflowEstablished', 'announced'],
  ]);
  expect(types(difference(all, new Map()))).toEqual(['subflowClosed', 'subflowClosed', 'closed']);
  expect(types(difference(after(created), all))).toEqual([
    ...['established', 'subflowEstablished', 'announced'],
  ]);
  expect(types(difference(all, after(created, established)))).toEqual(['subflowClosed', 'removed']);
  expect(difference(all, copy(all))).toEqual([]);
  for (const event of difference(new Map(), all)) expect(event).toMatchObject({ source: 'dump' });
});

test('a token that was given to another connection is another connection', () => {
  const other = after({ ...created, local: at('10.0.0.1', 1001) });
  expect(types(difference(after(created), other))).toEqual(['subflowClosed', 'closed', 'created']);
});

test('a dump keeps what no dump shows', () => {
  const known = after(created, established, announced);
  const dumped = after({ type: 'created', source: 'dump', token: 7, local, remote });
  expect(difference(known, adopt(known, dumped))).toEqual([]);
  expect(dumped.get(7)).toMatchObject({ serverSide: false, established: true });
});

test('a state that was copied does not change', () => {
  const connections = after(created);
  const before = copy(connections);
  apply(connections, joined);
  apply(connections, { type: 'subflowPriority', ...second, backup: true });
  expect(types(difference(before, connections))).toEqual(['subflowEstablished']);
});
