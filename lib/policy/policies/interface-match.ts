/** Which interfaces are meant. */
import { invalidArgType } from '../../base/arguments';
import type { NetworkInterface } from '../../interfaces/interface';
import type { PolicyView } from '../policy';

/** A name, names by a pattern, whatever a function says, or one of several. */
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
  if (match instanceof RegExp) return link.name.search(match) >= 0; // with no lastIndex
  if (typeof match === 'function') return match(link);
  return match.some((each) => matches(each, link));
}

/** For an interface by its name; one that is not there matches nothing. */
export function matcher(
  { interfaces }: Pick<PolicyView, 'interfaces'>,
  match: InterfaceMatch,
): (name: string | undefined) => boolean {
  const names = new Set(interfaces.filter((link) => matches(match, link)).map(({ name }) => name));
  return (name) => name !== undefined && names.has(name);
}
