/** Tokens of connections and addresses with ports, as commands for single connections name them. */
import { isIP } from 'node:net';
import type { SocketAddress, SubflowReference } from '../index';
import type { CommandArgument } from './command';
import type { Context } from './context';
import type { Keywords } from './keywords';

const MOST = 0xffff_ffff;
const MOST_OF_PORT = 65_535;

/** A token as commands print it: '0x0badcafe'. */
export const showToken = (token: number): string => `0x${token.toString(16).padStart(8, '0')}`;

/** Whether a word is to be a token or an address, be it a wrong one, and no keyword. */
export const mayBePlace = (word: string): boolean =>
  /[\d:.]/.test(word) || /^[\da-f]+$/i.test(word);

/** The token that a word names, in decimal or as 0x and hexadecimal digits. */
export function readToken(context: Context, word: string | undefined): number {
  if (word === undefined)
    return context.fail('A token is missing: `mptcp monitor` shows those of connections');
  const token = /^(?:\d+|0x[\da-f]+)$/i.test(word) ? Number(word) : NaN;
  if (token > 0 && token <= MOST) return token;
  const advice = /^[\da-f]{1,8}$/i.test(word)
    ? `did you mean 0x${word}?`
    : 'it is a number, as 0x0badcafe';
  return context.fail(`'${word}' is no token: ${advice}`);
}

/** The value of a keyword that must be given. */
export function required(
  context: Context,
  { values }: Keywords,
  name: string,
  what: string,
): string {
  return values[name] ?? context.fail(`'${name} ${what}' is missing`);
}

/** An address that a keyword names. */
export function readAddress(context: Context, name: string, text: string): string {
  if (isIP(text.replace(/%.*/, '')) !== 0) return text;
  return context.fail(`${name} must be an IPv4 or IPv6 address, and not '${text}'`);
}

/** An address and port that a keyword names: 192.0.2.1:80 or [2001:db8::1]:80. */
export function readSocketAddress(context: Context, name: string, text: string): SocketAddress {
  const [, inBrackets, plain, digits] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const address = inBrackets ?? plain ?? '';
  const port = Number(digits);
  if (isIP(address.replace(/%.*/, '')) !== 0 && port > 0 && port <= MOST_OF_PORT) {
    return { address, port };
  }
  return context.fail(
    `${name} must be ADDRESS:PORT, such as 192.0.2.1:80 or [2001:db8::1]:80, and not '${text}'`,
  );
}

/** The words by which commands take a subflow. */
export const SUBFLOW_ARGUMENTS: readonly CommandArgument[] = [
  {
    name: 'TOKEN',
    summary: 'The token of the connection, as `mptcp monitor` shows it',
    required: true,
    complete: 'token',
  },
  { name: 'local', value: 'ADDRESS:PORT', summary: 'Its end on this host', required: true },
  { name: 'remote', value: 'ADDRESS:PORT', summary: 'Its end on the peer', required: true },
];

/** The connection and the subflow that the words of {@link SUBFLOW_ARGUMENTS} name. */
export function readSubflow(
  context: Context,
  given: Keywords,
): { token: number; subflow: SubflowReference } {
  const [word, extra] = given.others;
  const token = readToken(context, word);
  if (extra !== undefined) context.fail(`Unexpected word '${extra}': see --help`);
  const local = required(context, given, 'local', 'ADDRESS:PORT');
  const remote = required(context, given, 'remote', 'ADDRESS:PORT');
  const subflow = {
    local: readSocketAddress(context, 'local', local),
    remote: readSocketAddress(context, 'remote', remote),
  };
  return { token, subflow };
}
