/** Runs a command line of `mptcp`: finds its command, carries it out, and prints how it fails. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand, loadCommand, readArguments, splitAtCommand } from './arguments';
import { Context, type Surroundings } from './context';
import { CommandFailure, EXIT, exitCodeOf } from './failure';

/** Runs a command line, and resolves to its exit code. */
export async function run(
  args: readonly string[],
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<number> {
  try {
    await dispatch(args, surroundings, signal);
    return 0;
  } catch (error) {
    if (signal.aborted && isAbort(error)) return 0;
    const exitCode = exitCodeOf(error);
    if (exitCode === undefined) throw error;
    surroundings.stderr.write(`mptcp: ${(error as Error).message}\n`);
    return exitCode;
  }
}

const isAbort = (error: unknown): boolean => (error as Error | null)?.name === 'AbortError';

async function dispatch(
  args: readonly string[],
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const { before, after } = splitAtCommand(args);
  const { options: general } = readArguments(before);
  const write = (text: string): void => void surroundings.stdout.write(text);
  if (general.version === true) {
    write(`mptcp ${packageVersion()}\n`);
    return;
  }
  const help = (): typeof import('./help') => require('./help') as typeof import('./help');
  if (after.length === 0 || after[0] === 'help') {
    const [, ...words] = after;
    if (words.length > 0) write(help().commandHelp(loadCommand(findCommand(words).name)));
    else if (after.length > 0 || general.help === true) write(help().generalHelp());
    else throw new CommandFailure('A command is missing: see mptcp --help', EXIT.USAGE);
    return;
  }
  const { name, length } = findCommand(after);
  const command = loadCommand(name);
  const { words, options } = readArguments(after.slice(length), command.options);
  if (general.help === true || options.help === true) {
    write(help().commandHelp(command));
    return;
  }
  await command.run(
    new Context(surroundings, { words, options: { ...general, ...options } }, signal),
  );
}

function packageVersion(): string {
  const file = join(__dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
