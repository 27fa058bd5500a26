/** Which address id is withdrawn with a subflow that a policy destroys. */
import { policies } from '../../../lib';
import { idToWithdraw } from '../../../lib/policy/manage/withdrawal';
import type { DestroySubflowAction } from '../../../lib/policy/policy';
import { begin, end, engineWith, established, onSubflow, subflow } from './support';

const FIRST = '10.1.0.1:1000';
const SECOND = '10.2.0.1:2000';

/** The id that is withdrawn with a subflow, where there are these further ones with their ids. */
function idOf(
  local: string,
  further: readonly [local: string, localId: number, remote?: string][],
): number | undefined {
  const { at, connection } = engineWith({ name: 'none', decide: () => [] });
  at(0, begin(), established());
  for (const [address, localId, remote] of further) {
    at(1, { ...subflow('subflowEstablished', address, remote), localId } as never);
  }
  const action = { type: 'destroySubflow', ...onSubflow(local) } as DestroySubflowAction;
  return idToWithdraw(connection(), action);
}

test('is that of the local address, unless that is the first one', () => {
  expect(idOf(SECOND, [[SECOND, 3]])).toBe(3);
  expect(idOf(FIRST, [[SECOND, 3]])).toBeUndefined();
});

test('is none where another subflow has the address, or there is no other', () => {
  expect(
    idOf(SECOND, [
      [SECOND, 3],
      ['10.2.0.1:2001', 3, '10.9.1.1:443'],
    ]),
  ).toBeUndefined();
  expect(idOf(FIRST, [])).toBeUndefined();
});

test('is none where the address is announced', () => {
  const { at, connection } = engineWith(policies.signalAll());
  const local = end('10.1.0.1', 443);
  at(0, begin(), established({ serverSide: true, local, remote: end('10.9.0.1', 5000) }));
  const ends = ['10.2.0.1:443', '10.9.0.1:5001'] as const;
  at(1, { ...subflow('subflowEstablished', ...ends), localId: 1 } as never);
  expect(connection().announcing).toMatchObject([{ address: '10.2.0.1' }]);
  const action = { type: 'destroySubflow', ...onSubflow(...ends) } as DestroySubflowAction;
  expect(idToWithdraw(connection(), action)).toBeUndefined();
});
