/** Argument checks with Node's own error codes, made before any system call. */
import net from 'node:net';
import { inspect } from 'node:util';
import type { Abortable } from './abort';
import { familyOf } from './addresses';
import { lazily } from './lazy';
import type { KeyTree } from './suggestion';

function withCode<T extends Error>(error: T, code: string): T {
  return Object.assign(error, { code });
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object' && value !== null) {
    const { constructor } = value as { constructor?: { name: string } };
    return constructor?.name ? `an instance of ${constructor.name}` : inspect(value, { depth: -1 });
  }
  return String(value);
}

/** A TypeError with Node's code ERR_INVALID_ARG_TYPE; `expected` as in 'of type string'. */
export function invalidArgType(name: string, expected: string, value: unknown): TypeError {
  return withCode(
    new TypeError(`The "${name}" argument must be ${expected}. Received ${show(value)}`),
    'ERR_INVALID_ARG_TYPE',
  );
}

/** A TypeError with Node's code ERR_INVALID_ARG_VALUE; `reason` as in 'must be an IP address'. */
export function invalidArgValue(name: string, value: unknown, reason: string): TypeError {
  return withCode(
    new TypeError(`The argument '${name}' ${reason}. Received ${show(value)}`),
    'ERR_INVALID_ARG_VALUE',
  );
}

/** A RangeError with Node's code ERR_OUT_OF_RANGE; `range` as in '>= 1 && <= 255'. */
export function outOfRange(name: string, range: string, value: unknown): RangeError {
  return withCode(
    new RangeError(
      `The value of "${name}" is out of range. It must be ${range}. Received ${show(value)}`,
    ),
    'ERR_OUT_OF_RANGE',
  );
}

/** Checks for an object that is neither null nor an array. */
export function checkObject(
  name: string,
  value: unknown,
  expected = 'of type object',
): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgType(name, expected, value);
  }
}

/**
 * The keys of the options `T`. The compiler refuses a table that lacks a key of `T`, or has one that
 * `T` has not.
 */
export type Keys<T> = { readonly [Key in keyof T]-?: true | KeyTree };

const suggestionFor = lazily(
  () => (require('./suggestion') as typeof import('./suggestion')).suggestionFor,
);

/**
 * A TypeError with Node's code ERR_INVALID_ARG_VALUE for an option that does not exist; it says which
 * one may be meant. `elsewhere` says of keys that belong in another argument where that is.
 */
function unknownOption(
  name: string,
  key: string,
  keys: KeyTree,
  elsewhere: Readonly<Record<string, string>>,
): TypeError {
  const place = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
  return withCode(
    new TypeError(`Unknown option '${name}.${key}': ${place ?? suggestionFor(name, key, keys)}`),
    'ERR_INVALID_ARG_VALUE',
  );
}

/** For checkKeys(): says of a signal among the options of a method where it belongs. */
export const SIGNAL_APART = {
  signal: 'an AbortSignal belongs in an argument of its own, as in method(options, { signal })',
} as const;

/**
 * Checks for options without unknown keys. A key whose value is undefined counts as not given.
 * ERR_INVALID_ARG_TYPE, or ERR_INVALID_ARG_VALUE with a suggestion.
 */
export function checkKeys<T extends object>(
  name: string,
  value: unknown,
  keys: Keys<T>,
  elsewhere: Readonly<Record<string, string>> = {},
): asserts value is Partial<Record<keyof T, unknown>> {
  checkObject(name, value);
  // An AbortSignal has no keys of its own: it would be ignored.
  if (value instanceof AbortSignal) throw invalidArgType(name, 'an object of options', value);
  for (const key of Object.keys(value)) {
    const given = (value as Record<string, unknown>)[key];
    if (Object.hasOwn(keys, key) || given === undefined) continue;
    throw unknownOption(name, key, keys, elsewhere);
  }
}

/** Checks for a string. */
export function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
}

/** Checks for a string of 1 to `longest` characters without null bytes. */
export function checkText(name: string, value: unknown, longest: number): asserts value is string {
  checkString(name, value);
  if (value === '' || value.length > longest) {
    throw invalidArgValue(name, value, `must have 1 to ${longest} characters`);
  }
  if (value.includes('\0')) throw invalidArgValue(name, value, 'must be without null bytes');
}

/** Checks for one of the allowed strings. */
export function checkOneOf<T extends string>(
  name: string,
  value: unknown,
  allowed: readonly T[],
): asserts value is T {
  checkString(name, value);
  if (!(allowed as readonly string[]).includes(value)) {
    throw invalidArgValue(name, value, `must be one of: ${allowed.map(show).join(', ')}`);
  }
}

/** Checks for an integer from `min` to `max`, both included. */
export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
}

/** Checks for a boolean. */
export function checkBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value);
}

/** Checks for a function. */
export function checkFunction(name: string, value: unknown): asserts value is () => unknown {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value);
}

/** Checks for an AbortSignal or undefined. */
export function checkSignal(
  name: string,
  value: unknown,
): asserts value is AbortSignal | undefined {
  if (value === undefined) return;
  if (!(value instanceof AbortSignal)) {
    throw invalidArgType(name, 'an instance of AbortSignal', value);
  }
}

const ABORTABLE: Keys<Abortable> = { signal: true };

/** Checks for options with a `signal`, which may both be missing. */
export function checkAbortable(options: unknown): void {
  if (options === undefined) return;
  checkKeys<Abortable>('options', options, ABORTABLE);
  checkSignal('options.signal', options.signal);
}

/** Checks for a numeric address; an IPv6 one may have a `%scope`, a v4-mapped one is IPv4. */
export function checkAddress(name: string, value: unknown): asserts value is string {
  checkString(name, value);
  const scoped = value.includes('%') && familyOf(value.replace(/%.*/s, '')) === 4;
  if (net.isIP(value) === 0 || scoped) throw invalidArgValue(name, value, 'must be an IP address');
}

const LONGEST_INTERFACE = 15; // IFNAMSIZ

/** Checks for what can be the name of a network interface. */
export function checkInterface(name: string, value: unknown): asserts value is string {
  checkText(name, value, LONGEST_INTERFACE);
}

/** Makes a check unless the value is undefined: for properties that may be missing. */
export function checkIfGiven<Rest extends unknown[]>(
  check: (name: string, value: unknown, ...rest: Rest) => void,
  name: string,
  value: unknown,
  ...rest: Rest
): void {
  if (value !== undefined) check(name, value, ...rest);
}

/** Checks for an address id (RFC 8684 section 3.4.1), which has 8 bits. */
export function checkId(name: string, value: unknown, min = 1): asserts value is number {
  checkInteger(name, value, min, 255);
}

/** Checks for a TCP port. */
export function checkPort(name: string, value: unknown, min = 1): asserts value is number {
  checkInteger(name, value, min, 65_535);
}

/** Checks for the token of a connection (RFC 8684 section 3.2), which has 32 bits. */
export function checkToken(name: string, value: unknown): asserts value is number {
  checkInteger(name, value, 1, 0xffff_ffff);
}
