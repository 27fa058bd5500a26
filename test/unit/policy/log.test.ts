/** The log of a policy, and its replay. */
import { differences, parseLog, policies, replay } from '../../../lib';
import { PolicyEngine } from '../../../lib/policy/engine/engine';
import { encodeLine, logEntry, logHeader } from '../../../lib/policy/engine/log';
import type { PathPolicy, PolicyEvent } from '../../../lib/policy/policy';
import { announced, begin, established, linkChanged, ScriptedPolicy, subflow } from './support';

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
  const engine = new PolicyEngine(policy, { limits: LIMITS });
  const entries = EVENTS.map(([at, event]) => logEntry(at, event, engine.handle(at, event)));
  return [logHeader(policy, engine.view.limits), ...entries].map(encodeLine).join('');
}

const policy = () => policies.all(policies.fullmesh(), policies.heal());

test('a replay with the recorded policy gives the same actions', () => {
  const text = record(policy());
  expect(text.split('\n')).toHaveLength(EVENTS.length + 2);
  const log = parseLog(text);
  expect(log).toMatchObject({ version: 2, policy: 'fullmesh + heal', limits: LIMITS });
  expect(log.entries.flatMap(({ actions }) => actions).length).toBeGreaterThan(2);
  expect(differences(log, replay(policy(), log))).toEqual([]);
});

test('a replay with another policy shows where it differs', () => {
  const log = parseLog(record(policy()));
  const found = differences(log, replay(policies.fullmesh(), log));
  expect(found.map(({ index }) => index)).toEqual([4]);
  expect(found[0]!.entry.actions).toMatchObject([
    { type: 'abandonSubflow' },
    { type: 'createSubflow' },
    { type: 'destroySubflow' },
  ]);
  expect(found[0]!.replayed.actions).toMatchObject([
    { type: 'abandonSubflow' },
    { type: 'createSubflow' },
  ]);
});

test('a log has the errors that a policy threw', () => {
  const throws = new ScriptedPolicy();
  throws.answer = () => {
    throw new Error('boom');
  };
  const log = parseLog(record(throws));
  expect(log.entries[1]).toMatchObject({ actions: [], error: 'Error: boom' });
  expect(differences(log, replay(throws, log))).toEqual([]);
  expect(differences(log, replay(new ScriptedPolicy(), log))).toHaveLength(EVENTS.length);
});

test('a log without the end of its last line is read, one of another version is not', () => {
  const text = record(policy());
  expect(parseLog(text.slice(0, -10)).entries).toHaveLength(EVENTS.length - 1);
  expect(() => parseLog(text.replace('"version":2', '"version":1'))).toThrow(TypeError);
  expect(() => parseLog('')).toThrow(TypeError);
});
