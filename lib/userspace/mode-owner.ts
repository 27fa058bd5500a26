import type { PathManager } from '../path-manager/path-manager';

/** Of this environment, for its own network namespace. One that nobody refers to is garbage. */
const open = new Set<WeakRef<PathManager>>();

export function addOpenManager(manager: PathManager): void {
  open.add(new WeakRef(manager));
}

export function deleteOpenManager(manager: PathManager): void {
  for (const each of open) if ([manager, undefined].includes(each.deref())) open.delete(each);
}

/** The one that has the userspace mode, if one has. */
export function modeOwner(): PathManager | undefined {
  return Array.from(open, (each) => each.deref()).find((manager) => manager?.mode.owned);
}
