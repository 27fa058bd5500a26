/** A map of which some values are replaced. */
import { Overlay } from '../../../lib/policy/overlay';

test('has the replaced values in their places, and leaves the map below as it is', () => {
  const base = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  const overlay = new Overlay(base);
  overlay.replace('a', 3);
  overlay.replace('c', 4);
  expect([...overlay]).toEqual([
    ['a', 3],
    ['b', 2],
  ]);
  expect([...overlay.keys(), ...overlay.values()]).toEqual(['a', 'b', 3, 2]);
  expect([overlay.get('a'), overlay.get('b'), overlay.get('c')]).toEqual([3, 2, undefined]);
  expect([overlay.size, overlay.has('a'), overlay.has('c')]).toEqual([2, true, false]);
  const seen: unknown[] = [];
  overlay.forEach((value, key) => seen.push([key, value]));
  expect(seen).toEqual([...overlay]);
  expect(base.get('a')).toBe(1);
});
