/** The name of a skipped test: it says what was missing, which reports count. */

export const withReasons = (name: string, reasons: readonly string[]): string =>
  `${name} [skipped: ${reasons.join('; ')}]`;

/** What was missing for a skipped test, by its name with those of its groups. */
export function skippedFor(fullName: string): string[] {
  const groups = fullName.matchAll(/\[skipped: ([^\]]*)\]/g);
  return Array.from(groups, ([, reasons]) => reasons!.split('; ')).flat();
}
