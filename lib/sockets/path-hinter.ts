/** The port through which sockets hand over hints about paths: the layers above carry them out. */
import type { Abortable } from '../base/abort';
import type { HintResult, Intent, PathHints } from '../hints/hints';
import type { TcpHandle } from './node/types';

/** The hints that concern paths; each may be missing. */
export interface RequestedPaths {
  readonly intent?: Intent | undefined;
  readonly paths?: PathHints | undefined;
}

type PathHinter = (
  handle: TcpHandle,
  requested: RequestedPaths,
  abort?: Abortable,
) => Promise<HintResult[]>;

let pathHinter: PathHinter = () => Promise.resolve([]);

/** Sets the function that carries out hints about paths; drop-in/setup.ts does so once. */
export function setPathHinter(hinter: PathHinter): void {
  pathHinter = hinter;
}

/**
 * Carries out the intent and the hints about paths of a connection, and resolves to their results.
 */
export const hintPathsOf: PathHinter = (handle, requested, abort) =>
  pathHinter(handle, requested, abort);
