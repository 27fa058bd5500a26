import type { PathManager } from '../path-manager';

/** Those of this environment, for its own network namespace. */
export const openManagers = new Set<PathManager>();

/** The one that has the userspace mode, if one has. */
export function modeOwner(): PathManager | undefined {
  return Array.from(openManagers).find(({ mode }) => mode.owned);
}
