/** Finds what may be meant by the name of an option or a word that does not exist. */

/** The keys of some options: `true`, or the keys of the options that a key holds. */
export interface KeyTree {
  readonly [key: string]: true | KeyTree;
}

/** The edit distance of two words: insertions, deletions, replacements and swaps of neighbours. */
export function distance(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= one.length; row++) {
    rows.push([row]);
    for (let column = 1; column <= other.length; column++) {
      const [mine, theirs] = [one[row - 1], other[column - 1]];
      const isSwapped = mine === other[column - 2] && theirs === one[row - 2];
      rows[row]?.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (mine === theirs ? 0 : 1),
          isSwapped ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(one.length, other.length);
}

/** The word of `known` that is nearest to `word`; undefined: none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const given = word.toLowerCase();
  const [best] = known
    .map((each) => {
      const name = each.toLowerCase();
      const edits = distance(given, name);
      const isPart = given.length > 1 && (name.includes(given) || given.includes(name));
      const isNear = edits <= Math.max(1, Math.floor(Math.max(given.length, name.length) / 3));
      return { each, edits, near: isNear || isPart };
    })
    .filter(({ near }) => near)
    .sort((one, other) => one.edits - other.edits);
  return best?.each;
}

/** The paths of all keys below some keys, such as 'hints.paths.backup', the nearest level first. */
function pathsBelow(keys: KeyTree): string[][] {
  const levels: string[][] = [];
  let level: [prefix: string, tree: KeyTree][] = [['', keys]];
  while (level.length > 0) {
    const paths = level.flatMap(([prefix, tree]) => Object.keys(tree).map((key) => prefix + key));
    levels.push(paths);
    level = level.flatMap(([prefix, tree]) =>
      Object.entries(tree).flatMap(([key, below]): [string, KeyTree][] =>
        below === true ? [] : [[`${prefix}${key}.`, below]],
      ),
    );
  }
  return levels;
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/**
 * Says which option may be meant by an unknown key of `name`: one of the same spelling, be it at
 * another level, or else the nearest one; or which options there are.
 */
export function suggestionFor(name: string, key: string, keys: KeyTree): string {
  const levels = pathsBelow(keys);
  const same = levels.flat().find((path) => lastOf(path).toLowerCase() === key.toLowerCase());
  const found = same ?? levels.map((paths) => nearestPath(key, paths)).find(Boolean);
  if (found !== undefined) return `did you mean '${name}.${found}'?`;
  return `the options are ${Object.keys(keys).join(', ')}`;
}

function nearestPath(key: string, paths: readonly string[]): string | undefined {
  const best = nearest(key, paths.map(lastOf));
  return best === undefined ? undefined : paths.find((path) => lastOf(path) === best);
}
