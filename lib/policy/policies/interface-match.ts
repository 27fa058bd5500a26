import { invalidArgType } from '../../base/arguments';
import type { NetworkInterface } from '../../interfaces/interface';
import type { PolicyView } from '../policy';

/**
 * Selects interfaces: by name, by a pattern for names, by a function, or by any of several of these.
 * A function must be pure, so that a log can be replayed.
 */
export type InterfaceMatch =
  string | RegExp | ((link: NetworkInterface) => boolean) | readonly InterfaceMatch[];

export function checkMatch(name: string, value: unknown): asserts value is InterfaceMatch {
  if (Array.isArray(value)) {
    value.forEach((each, index) => checkMatch(`${name}[${index}]`, each));
    return;
  }
  if (typeof value === 'string' || typeof value === 'function' || value instanceof RegExp) return;
  throw invalidArgType(name, 'a string, a RegExp, a function or an array of these', value);
}

export function matches(match: InterfaceMatch, link: NetworkInterface): boolean {
  if (typeof match === 'string') return match === link.name;
  if (match instanceof RegExp) return link.name.search(match) >= 0; // unlike test(), it ignores lastIndex
  if (typeof match === 'function') return match(link);
  return match.some((each) => matches(each, link));
}

/** Matches interfaces by name. One that does not exist, or undefined, matches nothing. */
export function matcher(
  { interfaces }: Pick<PolicyView, 'interfaces'>,
  match: InterfaceMatch,
): (name: string | undefined) => boolean {
  const names = new Set(interfaces.filter((link) => matches(match, link)).map(({ name }) => name));
  return (name) => name !== undefined && names.has(name);
}
