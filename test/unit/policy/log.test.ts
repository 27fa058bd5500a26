import { differences, parseLog, policies, replay } from '../../../lib';
import { PolicyEngine } from '../../../lib/policy/engine/engine';
import { encodeLine, logEntry, logHeader } from '../../../lib/policy/engine/log';
import type { PathPolicy, PolicyEvent } from '../../../lib/policy/policy';
import { announced, begin, established, linkChanged, Said, subflow } from './support';

const EVENTS: readonly [number, PolicyEvent][] = [
  [0, begin()],
  [1, established()],
  [5, subflow('subflowEstablished', '10.2.0.1:2000')],
  [6, announced(4, '10.9.2.1')],
  [7.5, linkChanged(2, 'wlan0', false)],
  [300, { type: 'woken' }],
];
const LIMITS = { subflows: 3, addresses: 8 };

function record(policy: PathPolicy): string {
  const machine = new PolicyEngine(policy, { limits: LIMITS });
  const entries = EVENTS.map(([at, event]) => logEntry(at, event, machine.handle(at, event)));
  return [logHeader(policy, machine.view.limits), ...entries].map(encodeLine).join('');
}

const policy = () => policies.all(policies.fullmesh(), policies.heal());

test('a log gives the same actions again', () => {
  const text = record(policy());
  expect(text.split('\n')).toHaveLength(EVENTS.length + 2);
  const log = parseLog(text);
  expect(log).toMatchObject({ version: 2, policy: 'fullmesh + heal', limits: LIMITS });
  expect(log.entries.flatMap(({ actions }) => actions).length).toBeGreaterThan(2);
  expect(differences(log, replay(policy(), log))).toEqual([]);
});

test('says where another policy does something else', () => {
  const log = parseLog(record(policy()));
  const found = differences(log, replay(policies.fullmesh(), log));
  expect(found.map(({ index }) => index)).toEqual([4]);
  expect(found[0]!.entry.actions).toMatchObject([
    { type: 'abandonSubflow' },
    { type: 'destroySubflow' },
  ]);
  expect(found[0]!.replayed.actions).toMatchObject([{ type: 'abandonSubflow' }]);
});

test('has what a policy threw', () => {
  const throws = new Said();
  throws.say = () => {
    throw new Error('boom');
  };
  const log = parseLog(record(throws));
  expect(log.entries[1]).toMatchObject({ actions: [], error: 'Error: boom' });
  expect(differences(log, replay(throws, log))).toEqual([]);
  expect(differences(log, replay(new Said(), log))).toHaveLength(EVENTS.length);
});

test('reads a log whose last line was cut off, and no other version', () => {
  const text = record(policy());
  expect(parseLog(text.slice(0, -10)).entries).toHaveLength(EVENTS.length - 1);
  expect(() => parseLog(text.replace('"version":2', '"version":1'))).toThrow(TypeError);
  expect(() => parseLog('')).toThrow(TypeError);
});
