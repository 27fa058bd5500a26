/** Checks what a policy answers before any of it is carried out: policies are the user's code. */
import {
  checkAddress,
  checkBoolean,
  checkIfGiven,
  checkInteger,
  checkObject,
  checkOneOf,
  checkPort,
  checkString,
  checkToken,
  invalidArgType,
} from '../../base/arguments';
import type { PolicyAction } from '../policy';

const TYPES = [
  'createSubflow',
  'destroySubflow',
  'abandonSubflow',
  'setBackup',
  'announce',
  'withdraw',
  'wake',
] as const satisfies readonly PolicyAction['type'][];

type Fields = Partial<Record<string, unknown>>;

/** Throws a TypeError or RangeError that names the first member that is wrong. */
export function checkActions(answer: unknown): asserts answer is readonly PolicyAction[] {
  if (!Array.isArray(answer)) throw invalidArgType('actions', 'an array', answer);
  answer.forEach((action, index) => checkAction(`actions[${index}]`, action));
}

function checkAction(name: string, value: unknown): void {
  checkObject(name, value);
  const action: Fields = { ...value };
  checkOneOf(`${name}.type`, action.type, TYPES);
  if (action.type === 'wake') {
    if (!Number.isFinite(action.at))
      throw invalidArgType(`${name}.at`, 'a finite number', action.at);
    checkIfGiven(checkToken, `${name}.token`, action.token);
    return;
  }
  checkToken(`${name}.token`, action.token);
  checkString(`${name}.reason`, action.reason);
  if (action.type === 'announce' || action.type === 'withdraw') {
    checkAddress(`${name}.address`, action.address);
    checkIfGiven(checkPort, `${name}.port`, action.port);
    return;
  }
  const existing = action.type === 'destroySubflow' || action.type === 'setBackup';
  checkEnd(`${name}.local`, action.local, existing);
  checkEnd(`${name}.remote`, action.remote, true);
  if (action.type === 'setBackup') checkBoolean(`${name}.backup`, action.backup);
  else checkIfGiven(checkBoolean, `${name}.backup`, action.backup);
  checkIfGiven(checkInteger, `${name}.max`, action.max, 1, 255);
  checkIfGiven(checkPort, `${name}.insteadOf`, action.insteadOf);
}

function checkEnd(name: string, value: unknown, withPort: boolean): void {
  checkObject(name, value);
  const end: Fields = { ...value };
  checkAddress(`${name}.address`, end.address);
  if (withPort) checkPort(`${name}.port`, end.port);
}
