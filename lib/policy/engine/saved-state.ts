/** Writes the engine's state as JSON and reads it back, for a log that begins after the engine did. */
import type { EngineState } from './state';

/** How a Map (its entries) and a Set (its members) are written. */
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

/** A plain copy that JSON.stringify() can write, of a state that continues to change. */
export const savedState = (state: object): object =>
  JSON.parse(JSON.stringify(state, toJson)) as object;

export const restoredState = (saved: object): EngineState =>
  JSON.parse(JSON.stringify(saved), fromJson) as EngineState;
