/** The findings of doctor() as text for people. */
import type { DoctorReport, Finding } from '../index';
import type { Context } from './context';

const INDENT = '  ';
const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan' } as const;

/** Breaks a text into lines of at most `width` characters; longer words stay whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The lines of a finding. The command is one line, however long, so that it can be pasted. */
export function findingLines(
  finding: Finding,
  context: Pick<Context, 'width' | 'style'>,
): string[] {
  const { id, severity, message, evidence, mend, link } = finding;
  const width = Math.max(20, context.width - INDENT.length);
  const indented = (lines: string[]): string[] => lines.map((line) => INDENT + line);
  return [
    `${context.style(COLOURS[severity], severity)} ${context.style('bold', id)}`,
    ...indented(wrap(message, width)),
    ...evidence.flatMap(({ name, value }) =>
      indented(wrap(`${name}: ${value}`, width - 2)).map((line, i) =>
        context.style('dim', i === 0 ? `${INDENT}- ${line.trimStart()}` : `${INDENT}${line}`),
      ),
    ),
    ...(mend === undefined ? [] : [`${INDENT}${context.style('green', mend)}`]),
    context.style('dim', `${INDENT}${link}`),
    '',
  ];
}

const count = (number: number, name: string): string =>
  `${number} ${name}${number === 1 ? '' : 's'}`;

/** The lines of a whole report: its findings, what was skipped and why, and the sum. */
export function reportLines(
  { findings, skipped, checks }: DoctorReport,
  context: Pick<Context, 'width' | 'style'>,
): string[] {
  const reasons = new Map<string, string[]>();
  for (const { id, reason } of skipped) reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
  const of = (severity: Finding['severity']): number =>
    findings.filter((each) => each.severity === severity).length;
  const sum = [
    count(checks.length - skipped.length, 'check'),
    count(of('error'), 'error'),
    count(of('warning'), 'warning'),
    `${of('info')} for information`,
  ];
  return [
    ...findings.flatMap((finding) => findingLines(finding, context)),
    ...Array.from(reasons).flatMap(([reason, ids]) =>
      wrap(`Skipped ${ids.join(', ')}: ${reason}`, context.width),
    ),
    sum.join(', '),
  ];
}
