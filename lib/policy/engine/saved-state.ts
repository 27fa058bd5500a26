/** What the engine knows as JSON: a log that begins later begins with it. */
import type { EngineState } from './state';

/** As it is written: the entries of a Map, the members of a Set. */
interface Collection {
  $map?: [unknown, unknown][];
  $set?: unknown[];
}

function toJson(_key: string, value: unknown): unknown {
  if (value instanceof Map) return { $map: [...value] };
  if (value instanceof Set) return { $set: [...value] };
  return value;
}

function fromJson(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $map, $set } = value as Collection;
  if ($map) return new Map($map);
  return $set ? new Set($set) : value;
}

/** A copy that can be written, of a state that goes on changing. */
export const savedState = (state: object): object =>
  JSON.parse(JSON.stringify(state, toJson)) as object;

export const restoredState = (saved: object): EngineState =>
  JSON.parse(JSON.stringify(saved), fromJson) as EngineState;
