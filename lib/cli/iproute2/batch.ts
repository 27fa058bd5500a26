/** `ip -batch`: the lines of a file, or of standard input, of which each is a command of ip(8). */
import { readFileSync } from 'node:fs';
import type { Output } from '../context';
import { EXIT, IpExit, textOf } from './exit';
import { matches } from './values';

/** Splits a line into words as iproute2 does; a word may stand in quotes. */
export function splitLine(line: string): string[] {
  return Array.from(
    line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g),
    ([, one, two, plain]) => one ?? two ?? plain ?? '',
  );
}

/** The lines with their numbers; a backslash continues one, and '#' begins a comment. */
export function splitLines(text: string): { line: string; number: number }[] {
  const lines: { line: string; number: number }[] = [];
  let whole = '';
  for (const [index, part] of text.split('\n').entries()) {
    const line = whole + part.replace(/#.*/, '');
    if (line.endsWith('\\')) {
      whole = line.slice(0, -1);
      continue;
    }
    whole = '';
    lines.push({ line, number: index + 1 });
  }
  return lines;
}

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const { errno = 0, code } = error as NodeJS.ErrnoException;
    if (file === '-' && (code === 'EBADF' || code === 'EOF')) return '';
    const text = `Cannot open file "${file}" for reading: ${textOf(errno)}\n`;
    throw new IpExit(EXIT.ERROR, text);
  }
}

/** Runs the lines, and resolves to the exit code: the first error ends it unless `force` is set. */
export async function runBatch(
  file: string,
  force: boolean,
  stderr: Output,
  dispatch: (words: readonly string[]) => Promise<void>,
): Promise<number> {
  let exitCode = 0;
  for (const { line, number } of splitLines(read(file))) {
    const [object, ...words] = splitLine(line);
    if (object === undefined) continue;
    try {
      if (!matches(object, 'mptcp') || object.length < 2) {
        throw new IpExit(1, `Object "${object}" is unknown, try "ip help".\n`, true);
      }
      await dispatch(words);
    } catch (error) {
      if (!(error instanceof IpExit) || !error.continues) throw error;
      stderr.write(`${error.text}Command failed ${file}:${number}\n`);
      exitCode = 1;
      if (!force) break;
    }
  }
  return exitCode;
}
