/** How long a connection without a path is kept: the option `giveUp`. */
import { checkInteger, checkKeys, type Keys } from '../base/arguments';

/** How long a connection that has lost its last path is kept, in milliseconds. */
export interface GiveUp {
  /** After the last subflow was reset; 3,000 unless given. */
  afterReset: number;
  /** After the last subflow timed out, or its link or address was lost; 15,000 unless given. */
  afterSilence: number;
}

/** The time that policies have, unless they are given another. */
export const BY_POLICY: GiveUp = { afterReset: 3000, afterSilence: 15_000 };

/** The keys of an option `giveUp` that is an object. */
export const GIVE_UP_KEYS: Keys<GiveUp> = { afterReset: true, afterSilence: true };

const MOST_MS = 0x7fff_ffff;

/** Checks an option `giveUp`: milliseconds for both cases, or for each. */
export function checkGiveUp(name: string, value: unknown): GiveUp {
  if (typeof value !== 'object') {
    checkInteger(name, value, 0, MOST_MS);
    return { afterReset: value, afterSilence: value };
  }
  checkKeys<GiveUp>(name, value, GIVE_UP_KEYS);
  const given = { ...BY_POLICY, ...(value as Partial<GiveUp>) };
  checkInteger(`${name}.afterReset`, given.afterReset, 0, MOST_MS);
  checkInteger(`${name}.afterSilence`, given.afterSilence, 0, MOST_MS);
  return given;
}
