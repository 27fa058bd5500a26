import { AbortError } from './errors';

/** Options of a command that can be aborted. */
export interface Abortable {
  /** Withdraws what the kernel does not have yet; the AbortError says whether it was `applied`. */
  signal?: AbortSignal;
}

/** Throws an AbortError where the signal is aborted; `applied`: the kernel has done it already. */
export function throwIfAborted(signal: AbortSignal | undefined, applied: boolean): void {
  if (signal?.aborted) throw new AbortError(signal, applied);
}
