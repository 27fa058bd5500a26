/** Reads a command line: which command it names, and the command's words and options. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../base/suggestion';
import { type Command, type CommandOption, GLOBAL_OPTIONS } from './command';
import { COMMANDS, DEFAULTS, FIRST_OF_ALIKE } from './commands';
import type { Given } from './context';
import { CommandFailure, EXIT } from './failure';

type Options = Readonly<Record<string, CommandOption>>;

const usage = (message: string): CommandFailure => new CommandFailure(message, EXIT.USAGE);

/** The words of a text, each once, in the order of their first occurrence. */
const unique = (words: readonly string[]): string[] => [...new Set(words)];

/** The word of `known` that is given or abbreviated. */
function complete(word: string, known: readonly string[], what: string): string {
  if (known.includes(word)) return word;
  const alike = known.filter((each) => each.startsWith(word) && word !== '');
  const [first] = alike;
  if (first !== undefined && (alike.length === 1 || FIRST_OF_ALIKE.includes(first))) return first;
  if (first !== undefined) throw usage(`Ambiguous ${what} '${word}': ${alike.join(' or ')}`);
  const meant = nearest(word, known);
  const advice = meant === undefined ? `there are ${known.join(', ')}` : `did you mean '${meant}'?`;
  throw usage(`Unknown ${what} '${word}': ${advice}`);
}

/** The command that the first words name, and how many of them do. */
export function findCommand(words: readonly string[]): { name: string; length: number } {
  const names = Object.keys(COMMANDS);
  const [given = '', second] = words;
  const first = complete(given, unique(names.map((name) => name.split(' ')[0] ?? '')), 'command');
  if (names.includes(first)) return { name: first, length: 1 };
  const after = names.flatMap((name) =>
    name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : [],
  );
  if (second === undefined || second.startsWith('-')) {
    const name = DEFAULTS[first];
    if (name !== undefined) return { name, length: 1 };
    throw usage(`'mptcp ${first}' needs one of ${after.join(', ')}`);
  }
  // 'limits s' is 'limits set', and 'endpoint s' is 'endpoint show': as in ip mptcp, the first counts.
  const abbreviated = FIRST_OF_ALIKE.includes(first)
    ? after.find((each) => each.startsWith(second) && second !== '')
    : undefined;
  const last = abbreviated ?? complete(second, after, `command 'mptcp ${first}'`);
  return { name: `${first} ${last}`, length: 2 };
}

const parserOptions = (options: Options): ParseArgsConfig['options'] =>
  Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short !== undefined && { short }), ...(multiple !== undefined && { multiple }) },
    ]),
  );

/** Where the command's name begins: global options may stand before it. */
export function splitAtCommand(args: readonly string[]): { before: string[]; after: string[] } {
  const config = { options: parserOptions(GLOBAL_OPTIONS), strict: false, tokens: true } as const;
  const { tokens } = parseArgs({ args: [...args], allowPositionals: true, ...config });
  const name = tokens.find(({ kind }) => kind === 'positional');
  const index = name?.index ?? args.length;
  return { before: args.slice(0, index), after: args.slice(index) };
}

/** Reads options of a command and the global ones; an unknown one fails with the nearest. */
export function readArguments(args: readonly string[], own: Options = {}): Given {
  const options: Options = { ...GLOBAL_OPTIONS, ...own };
  const config = { options: parserOptions(options), strict: false, tokens: true } as const;
  const { tokens, values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    ...config,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const known = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (!known) throw unknownOption(token.rawName, options);
    if (known.type === 'boolean' && token.value !== undefined) {
      throw usage(`The option ${token.rawName} takes no value`);
    }
    const looksForgotten =
      token.value === undefined || (!token.inlineValue && /^-./.test(token.value));
    if (known.type === 'string' && looksForgotten) {
      throw usage(`The option ${token.rawName} needs a value: ${known.value ?? 'VALUE'}`);
    }
  }
  return { words: positionals, options: values };
}

function unknownOption(given: string, options: Options): CommandFailure {
  const meant = nearest(given.replace(/^-+/, ''), Object.keys(options));
  const advice = meant === undefined ? 'see --help' : `did you mean '--${meant}'?`;
  return usage(`Unknown option '${given}': ${advice}`);
}

/** Loads a command by its name. */
export function loadCommand(name: string): Command {
  const load = COMMANDS[name];
  if (!load) throw new Error(`No command is called ${name}`);
  return load();
}
