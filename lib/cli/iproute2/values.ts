/** Words of `ip mptcp` as values: abbreviations, numbers of any base, and its forms of addresses. */
import { isIPv6 } from 'node:net';
import { EXIT, IpExit } from './exit';

/** Whether a word is a keyword or its beginning: matches() of iproute2. */
export const matches = (word: string, keyword: string): boolean =>
  word !== '' && keyword.startsWith(word);

const NUMBER = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/;
const MOST_OF_LONG = 0xffff_ffff_ffff_ffffn;

/** Reads a number as strtoul(3) with base 0 does: the value, and the rest of the text. */
function readNumber(text: string): { value: bigint; rest: string } | undefined {
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [whole, sign, digits = ''] = match;
  const octal = /^0[0-7]/.test(digits);
  const magnitude = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  const limited = magnitude > MOST_OF_LONG ? MOST_OF_LONG : magnitude;
  const value = sign === '-' && limited === magnitude ? BigInt.asUintN(64, -limited) : limited;
  return { value, rest: text.slice(whole.length) };
}

/** A number from 0 to `most` in decimal, octal (0…) or hexadecimal (0x…); undefined: it is none. */
export function readUnsigned(text: string, most: number): number | undefined {
  const number = readNumber(text);
  if (number?.rest !== '' || number.value > BigInt(most)) return undefined;
  return Number(number.value);
}

/** Up to four numbers with dots between them, of which the missing ones are 0: '10.1' is 10.1.0.0. */
function readIpv4(text: string): string | undefined {
  const bytes: bigint[] = [];
  let rest = text;
  for (;;) {
    const number = readNumber(rest);
    if (number === undefined || number.value > 255n) return undefined;
    bytes.push(number.value);
    if (number.rest === '') break;
    if (bytes.length === 4 || !number.rest.startsWith('.')) return undefined;
    rest = number.rest.slice(1);
  }
  return [...bytes, 0n, 0n, 0n].slice(0, 4).join('.');
}

/** What iproute2 takes for an address without a family. */
export const ANY = 'any';

/** An address, or {@link ANY}. Other words end the program, as get_addr() of iproute2 does. */
export function readAddress(text: string): string {
  if (text === 'default' || text === 'any' || text === 'all') return ANY;
  const isNumericIpv6 = isIPv6(text) && !text.includes('%');
  const address = isNumericIpv6 ? text : readIpv4(text);
  if (address !== undefined) return address;
  throw new IpExit(EXIT.ADDRESS, `Error: any valid address is expected rather than "${text}".\n`);
}

/** Whether the kernel takes the word for the name of an interface. */
export const isInterfaceName = (name: string): boolean =>
  name.length > 0 && Buffer.byteLength(name) < 16 && !/[/\s]/.test(name);
