/** The names of all commands, and which file has each: only that of the command that runs is loaded. */
import type { Command } from './command';

/**
 * The commands by their names. The order decides what an abbreviation of a word of `ip mptcp` means,
 * as there: 'limits s' is 'limits set'.
 */
export const COMMANDS: Readonly<Record<string, () => Command>> = {
  'limits show': () =>
    (require('./commands/limits-show') as typeof import('./commands/limits-show')).limitsShow,
};

/** What the first word alone stands for, as in `ip mptcp limits`. */
export const DEFAULTS: Readonly<Record<string, string>> = {
  limits: 'limits show',
};

/** First words that may be abbreviated although others begin alike: those of `ip mptcp`, in its order. */
export const FIRST_OF_ALIKE: readonly string[] = ['endpoint', 'limits', 'monitor'];
