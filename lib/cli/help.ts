/** The texts of `--help`, made from the commands themselves. */
import { type Command, type CommandArgument, type CommandOption, GLOBAL_OPTIONS } from './command';
import { COMMANDS } from './commands';

const columns = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
};

const shown = ({ name, value, required, repeated }: CommandArgument): string => {
  const word = [name, ...(value === undefined ? [] : [value])].join(' ');
  const text = repeated ? `${word} ...` : word;
  return required ? text : `[${text}]`;
};

const dashes = (name: string, { short, value }: CommandOption): string =>
  `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;

const optionLines = (options: Readonly<Record<string, CommandOption>>): string[] =>
  columns(
    Object.entries(options).map(
      ([name, option]) => [dashes(name, option), option.summary] as const,
    ),
  );

/** The synopsis of a command in one line. */
export function synopsis(command: Command): string {
  const options = Object.keys(command.options).length > 0 ? ['[OPTIONS]'] : [];
  const words = ['mptcp', command.name, ...options, ...command.arguments.map(shown)];
  return words.join(' ');
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', `${title}:`, ...lines];
  return [
    `Usage: ${synopsis(command)}`,
    '',
    `${command.summary}.`,
    ...(command.description ?? []).flatMap((paragraph) => ['', paragraph]),
    ...section(
      'Words',
      command.arguments.length === 0
        ? []
        : columns(
            command.arguments.map(
              ({ name, value = '', summary }) => [`${name} ${value}`.trim(), summary] as const,
            ),
          ),
    ),
    ...section('Options', optionLines({ ...command.options, ...GLOBAL_OPTIONS })),
    ...section(
      'Examples',
      command.examples.flatMap(({ command: line, summary }) => [`  ${line}`, `      ${summary}`]),
    ),
    '',
  ].join('\n');
}

/** The help of the whole program, which loads every command. */
export function generalHelp(): string {
  const commands = Object.values(COMMANDS).map((load) => load());
  return [
    'Usage: mptcp [OPTIONS] COMMAND [WORDS]',
    '       mptcp --iproute2 [OPTIONS OF ip] COMMAND [WORDS]',
    '',
    'Multipath TCP on the command line. Commands may be abbreviated as those of `ip mptcp`.',
    '',
    'Commands:',
    ...columns(commands.map(({ name, summary }) => [name, summary] as const)),
    '',
    'Options:',
    ...optionLines(GLOBAL_OPTIONS),
    '',
    '`mptcp COMMAND --help` says more about a command. Exit codes: 0 it is done, 1 the kernel or the',
    'peer refused, 2 the command line is wrong.',
    '',
  ].join('\n');
}
