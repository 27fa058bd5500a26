/**
 * What a command is: the one contract of lib/cli/commands/. Help, man pages and completion are made
 * from the same objects.
 */
import type { Context } from './context';

/** A word that a command takes, at a place or behind a keyword. */
export interface CommandArgument {
  /** What help calls it: a keyword as it is typed ('id', 'signal'), or a value in capitals ('HOST'). */
  name: string;
  /** What it means, in one sentence. */
  summary: string;
  /** What follows a keyword, in capitals: 'NUMBER'. Undefined: nothing does. */
  value?: string;
  /** Whether the command fails without it (false). */
  required?: boolean;
  /** Whether it may be given several times (false). */
  repeated?: boolean;
  /** What completion offers: fixed words, or what the machine has. */
  complete?:
    readonly string[] | 'interface' | 'address' | 'endpoint-id' | 'token' | 'file' | 'netns';
}

/** An option with dashes of a single command, as node:util's parseArgs() takes it. */
export interface CommandOption {
  /** `string`: a value follows. */
  type: 'boolean' | 'string';
  /** One letter; those of {@link GLOBAL_OPTIONS} are taken. */
  short?: string;
  /** Whether it may be given several times (false). */
  multiple?: boolean;
  /** What it does, in one sentence. */
  summary: string;
  /** What its value is, in capitals: 'SECONDS'. */
  value?: string;
  /** What completion offers for the value. */
  complete?: CommandArgument['complete'];
}

/** An example that help shows. */
export interface CommandExample {
  /** The whole command, as it is typed. */
  command: string;
  /** What it does, in one sentence. */
  summary: string;
}

/** One command: one file of lib/cli/commands/ exports one of these. */
export interface Command {
  /** The words that name it: 'limits show'. */
  name: string;
  /** What it does, in one sentence without a full stop. */
  summary: string;
  /** Further paragraphs of its manual. */
  description?: readonly string[];
  /** The words that it takes, in the order of its synopsis. */
  arguments: readonly CommandArgument[];
  /** Its own options, by their long names without dashes. */
  options: Readonly<Record<string, CommandOption>>;
  /** At least one. */
  examples: readonly CommandExample[];
  /** Carries it out; what it throws is printed, and decides the exit code. */
  run(context: Context): Promise<void> | void;
}

/** The options that every command takes, before its name or after it. */
export const GLOBAL_OPTIONS = {
  netns: {
    type: 'string',
    short: 'n',
    value: 'NETNS',
    summary: 'Runs in a network namespace: a name of `ip netns`, or a path',
    complete: 'netns',
  },
  json: { type: 'boolean', short: 'j', summary: 'Prints JSON, a line each for what streams' },
  pretty: { type: 'boolean', short: 'p', summary: 'Prints JSON in lines with indentation' },
  help: { type: 'boolean', short: 'h', summary: 'Prints how the command is used' },
  version: { type: 'boolean', short: 'V', summary: 'Prints the version of this package' },
} as const satisfies Record<string, CommandOption>;
