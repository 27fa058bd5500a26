/** What a command is given: its arguments, where it prints, and how it fails. */
import type { PathManager } from '../index';
import { CommandFailure, EXIT } from './failure';
import { type Style, styled } from './style';

/** What of a stream the command line uses; a terminal has `isTTY` and `columns`. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What of `process` the command line uses, so that tests can give something else. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
}

/** The words and options of a command line, of which the command's name has been removed. */
export interface Given {
  words: readonly string[];
  options: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
}

const WIDTH_WITHOUT_TERMINAL = 80;

const hasColour = ({ stdout, env }: Surroundings): boolean =>
  stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';

/** The columns of the terminal; what the shell says of them counts where there is none. */
function widthOf({ stdout: { columns = 0 }, env }: Surroundings): number {
  if (columns > 0) return columns;
  const fromShell = Number(env.COLUMNS);
  return fromShell > 0 ? fromShell : WIDTH_WITHOUT_TERMINAL;
}

/** Everything that one run of a command is given. */
export class Context {
  /** The words after the command's name. */
  readonly words: Given['words'];
  /** The values of the command's own options and of the global ones, by their long names. */
  readonly options: Given['options'];
  /** The network namespace that `-n` names; undefined: that of the process. */
  readonly netns: string | undefined;
  /** Whether the output is to be JSON. */
  readonly json: boolean;
  /** Whether JSON is to have lines and indentation. */
  readonly pretty: boolean;
  /** The columns of the terminal, or 80 without one. */
  readonly width: number;
  /** Whether standard output is a terminal that shows colours, and NO_COLOR is not set. */
  readonly colour: boolean;
  /** Whether standard output is a terminal. */
  readonly terminal: boolean;

  constructor(
    readonly surroundings: Surroundings,
    { words, options }: Given,
    /** Aborts when the command is to end: on SIGINT and SIGTERM, and when nobody reads its output. */
    readonly signal: AbortSignal,
  ) {
    this.words = words;
    this.options = options;
    this.netns = typeof options.netns === 'string' ? options.netns : undefined;
    this.pretty = options.pretty === true;
    this.json = options.json === true || this.pretty;
    this.terminal = surroundings.stdout.isTTY === true;
    this.width = widthOf(surroundings);
    this.colour = hasColour(surroundings);
  }

  /** Writes text to standard output. */
  write(text: string): void {
    this.surroundings.stdout.write(text);
  }

  /** Writes a line to standard output. */
  print(line = ''): void {
    this.write(`${line}\n`);
  }

  /** Writes a value as JSON to standard output, in one line unless `-p` is given. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value, undefined, this.pretty ? 2 : undefined));
  }

  /** Writes rows below headings, as wide as the terminal allows. */
  printTable(headings: readonly string[], rows: readonly (readonly string[])[]): void {
    const { renderTable } = require('./table') as typeof import('./table');
    this.write(renderTable(headings, rows, this));
  }

  /** Writes a line to standard error, which does not end the command. */
  warn(line: string): void {
    this.surroundings.stderr.write(`mptcp: ${line}\n`);
  }

  /** The text as the terminal shows it; unchanged where there are no colours. */
  style(style: Style, text: string): string {
    return this.colour ? styled(style, text) : text;
  }

  /** Ends the command with one line on standard error: exit code 2 unless another is given. */
  fail(message: string, exitCode: number = EXIT.USAGE): never {
    throw new CommandFailure(message, exitCode);
  }

  /** Ends the command because a word is wrong, with the nearest of the words that would be right. */
  failForWord(what: string, word: string, known: readonly string[]): never {
    const { nearest } = require('../base/suggestion') as typeof import('../base/suggestion');
    const meant = nearest(word, known);
    const advice =
      meant === undefined ? `it must be one of ${known.join(', ')}` : `did you mean '${meant}'?`;
    this.fail(`Unknown ${what} '${word}': ${advice}`);
  }

  /** Ends the command if it was given more words than it takes. */
  takeNoMoreThan(count: number): void {
    const extra = this.words[count];
    if (extra !== undefined) this.fail(`Unexpected word '${extra}': see --help`);
  }

  /** Opens the path manager of the namespace, and closes it when the function is done. */
  async withPathManager<T>(use: (pm: PathManager) => Promise<T>): Promise<T> {
    const { PathManager } = require('../index') as typeof import('../index');
    const pm = await PathManager.open(this.netns === undefined ? {} : { netns: this.netns });
    try {
      return await use(pm);
    } finally {
      await pm.close();
    }
  }
}
