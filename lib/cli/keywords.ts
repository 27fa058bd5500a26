/** Reads words in the grammar of `ip mptcp`: keywords in any order, each with a value or without. */
import type { Context } from './context';

/** The values of keywords by the keywords, and the words that are none. */
export interface Keywords {
  values: Partial<Record<string, string>>;
  flags: ReadonlySet<string>;
  others: readonly string[];
}

/**
 * Reads the words of a command. Keywords with a value may be abbreviated. A word that looks like a
 * misspelt one fails with a suggestion; `isOther` says which words are neither.
 */
export function readKeywords(
  context: Context,
  known: { values?: readonly string[]; flags?: readonly string[] },
  isOther: (word: string) => boolean = () => false,
): Keywords {
  const { values: withValue = [], flags: withoutValue = [] } = known;
  const values: Partial<Record<string, string>> = {};
  const flags = new Set<string>();
  const others: string[] = [];
  const words = [...context.words];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const given = word;
    const keyword = withValue.find((each) => given !== '' && each.startsWith(given));
    if (withoutValue.includes(given)) flags.add(given);
    else if (keyword !== undefined) {
      const value = words.shift();
      if (value === undefined) context.fail(`A value is missing after '${given}'`);
      values[keyword] = value;
    } else if (isOther(given)) others.push(given);
    else context.failForWord('word', given, [...withValue, ...withoutValue]);
  }
  return { values, flags, others };
}

/** A whole number in decimal or hexadecimal (0x…); fails unless it is from `least` to `most`. */
export function readNumber(
  context: Context,
  name: string,
  text: string,
  least: number,
  most: number,
): number {
  const value = /^(?:\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  context.fail(`${name} must be a number from ${least} to ${most}, and not '${text}'`);
}

/** A number that may be missing. */
export function readOptionalNumber(
  context: Context,
  { values }: Keywords,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = values[name];
  return text === undefined ? undefined : readNumber(context, name, text, least, most);
}
