import { AbortError } from './errors';

export interface Abortable {
  /** Withdraws what the kernel does not have yet; the AbortError says whether it was `applied`. */
  signal?: AbortSignal;
}

export function throwIfAborted(signal: AbortSignal | undefined, applied: boolean): void {
  if (signal?.aborted) throw new AbortError(signal, applied);
}
