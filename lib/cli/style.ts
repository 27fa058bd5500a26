import { inspect } from 'node:util';

/** How text can be emphasised: names of `util.inspect.colors`. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** The text between the escape sequences of a terminal that begin and end a style. */
export function styled(style: Style, text: string): string {
  const [on, off] = inspect.colors[style] ?? [0, 0];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
