/** Tables for people: columns without borders, or one field a line where the terminal is too narrow. */
import Table from 'cli-table3';
import type { Style } from './style';

const GAP = '  ';
const NO_BORDERS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
  middle: GAP,
};

type Rows = readonly (readonly string[])[];

function columns(headings: readonly string[], rows: Rows): string[] {
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  const table = new Table({ chars: NO_BORDERS, style });
  table.push([...headings], ...rows.map((row) => [...row]));
  return table.toString().split('\n');
}

function fields(headings: readonly string[], rows: Rows): string[] {
  return rows.flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    ...headings.map((heading, column) => `${heading}: ${row[column] ?? ''}`),
  ]);
}

/** The width of a line on a terminal, whose colours have none. */
const widthOf = (line: string): number => line.replace(/\u001b\[\d+m/g, '').length;

/** The text of a table: `context` says how wide the terminal is and whether it shows colours. */
export function renderTable(
  headings: readonly string[],
  rows: Rows,
  context: { width: number; style(style: Style, text: string): string },
): string {
  const styled = headings.map((heading) => context.style('bold', heading));
  const lines = columns(styled, rows).map((line) => line.trimEnd());
  const fits = lines.every((line) => widthOf(line) <= context.width);
  return (fits ? lines : fields(styled, rows)).map((line) => `${line}\n`).join('');
}
