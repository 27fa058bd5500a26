/** Formats numbers, bars and tables for people. */

export const megabits = (bitsPerSecond: number): string =>
  `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1).padStart(4)} s`;

export const percent = (part: number, whole: number): string =>
  `${Math.floor((100 * part) / (whole || 1))} %`;

/** A bar of `width` characters, a share of which is filled. */
export function bar(share: number, width: number): string {
  const filled = Math.round(share * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

const LEVELS = ' ▁▂▃▄▅▆▇█';

/** The last `width` values, each drawn as a column up to `top`. */
export function sparkline(values: readonly number[], top: number, width: number): string {
  const level = (value: number): string =>
    LEVELS[Math.min(LEVELS.length - 1, Math.ceil((value / top) * (LEVELS.length - 1)))] ?? ' ';
  return values.slice(-width).map(level).join('').padStart(width);
}

/** Options of cli-table3 for a table without colours and without lines between rows. */
export const PLAIN_TABLE = {
  style: { head: [], border: [] },
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
};
