/** JSON as iproute2's json_writer lays it out. */

type Value = string | number | boolean;

const members = (object: Readonly<Record<string, Value>>): string[] =>
  Object.entries(object).map(([name, value]) => `"${name}":\0${JSON.stringify(value)}`);

const INDENT = '    ';

/** The text of an array of flat objects, with the newline that ends it. */
export function writeJson(
  array: readonly Readonly<Record<string, Value>>[],
  pretty: boolean,
): string {
  if (!pretty) {
    const objects = array.map((each) => `{${members(each).join(',').replaceAll('\0', '')}}`);
    return `[${objects.join(',')}]\n`;
  }
  if (array.length === 0) return '[ ]\n';
  const objects = array.map((each) => {
    const lines = members(each).map((line) => `${INDENT}${INDENT}${line.replace('\0', ' ')}`);
    return `{\n${lines.join(',\n')}\n${INDENT}}`;
  });
  return `[ ${objects.join(',')} ]\n`;
}
