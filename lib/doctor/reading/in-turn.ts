/**
 * Reads one item after the other. The command thread does so anyway, and each read that waits listens
 * to the caller's AbortSignal, about which Node.js warns from the eleventh listener on.
 */
export async function inTurn<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await read(item));
  return results;
}
