/**
 * Replaces addresses and names in a report. The same address gets the same replacement, and two
 * addresses share as many leading bits afterwards as before (as Crypto-PAn does): networks stay
 * recognisable. The first 8 bits of IPv4 and 16 of IPv6 stay, which say whether an address is private.
 */
import { createHmac } from 'node:crypto';
import net from 'node:net';
import { canonicalAddress } from '../base/addresses';

const V4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/g;
const V6 = /(?<![\w:.])[\da-f]{0,4}:[\da-f:.]*[\da-f:](?![\w:])/gi;

/** Addresses that say nothing about a network: loopback, multicast, and those of documentation. */
const PLAIN = /^(?:0\.0\.0\.0|255\.255\.255\.255|127\..*|192\.0\.2\.1|::1?|ff.*|2001:db8::1)$/i;

/** The shortest word that is replaced: shorter ones occur in ordinary words. */
const SHORTEST_WORD = 4;

/** The groups of an IPv6 address, of which '::' stands for as many as are missing. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const parse = (part: string): number[] =>
    part
      .split(':')
      .filter(Boolean)
      .flatMap((group) => {
        if (!group.includes('.')) return [parseInt(group, 16)];
        const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
        return [(a << 8) | b, (c << 8) | d];
      });
  const before = parse(head);
  if (tail === undefined) return before;
  const after = parse(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

const bitsOf = (numbers: readonly number[], width: number): string =>
  numbers.map((each) => each.toString(2).padStart(width, '0')).join('');

const numbersOf = (bits: string, width: number): number[] =>
  Array.from({ length: bits.length / width }, (_, i) =>
    parseInt(bits.slice(i * width, (i + 1) * width), 2),
  );

/** Replaces the addresses and the given words in texts, and in objects of texts. */
export class Anonymizer {
  readonly #key: Buffer;
  readonly #words: [word: string, replacement: string][];

  /** `key` decides the replacements: a new one for each report. */
  constructor(key: Buffer, words: Iterable<string>) {
    this.#key = key;
    const longestFirst = Array.from(new Set(words))
      .filter((word) => word.length >= SHORTEST_WORD)
      .sort((one, other) => other.length - one.length);
    this.#words = longestFirst.map((word, i) => [word, `word${i + 1}`]);
  }

  /** The replacement of an address. */
  address(address: string): string {
    if (PLAIN.test(address)) return address;
    if (net.isIPv4(address)) {
      const bits = this.#replace(bitsOf(address.split('.').map(Number), 8), 8);
      return numbersOf(bits, 8).join('.');
    }
    const bits = this.#replace(bitsOf(groupsOf(address), 16), 16);
    return canonicalAddress(
      numbersOf(bits, 16)
        .map((group) => group.toString(16))
        .join(':'),
    );
  }

  /** A text whose addresses and words are replaced. */
  text(text: string): string {
    let result = text;
    for (const [word, replacement] of this.#words) result = result.replaceAll(word, replacement);
    return result
      .replace(V6, (found) => (net.isIPv6(found) ? this.address(found) : found))
      .replace(V4, (found) => (net.isIPv4(found) ? this.address(found) : found));
  }

  /** A value as JSON.stringify() writes it, in which all texts and names of properties are replaced. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((each) => this.value(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [this.text(name), this.value(each)]),
    );
  }

  /** Flips each bit or not, as the bits before it say: equal beginnings stay equal. */
  #replace(bits: string, kept: number): string {
    let result = bits.slice(0, kept);
    for (let i = kept; i < bits.length; i++) {
      const digest = createHmac('sha256', this.#key).update(`${bits.length} ${bits.slice(0, i)}`);
      const flip = (digest.digest()[0] ?? 0) & 1;
      result += String(Number(bits[i]) ^ flip);
    }
    return result;
  }
}
