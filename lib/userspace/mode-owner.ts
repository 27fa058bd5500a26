/** The path managers of this environment, among which is the owner of the userspace mode if it has one. */
import type { ModeControl } from './mode';

/** What has a mode: a PathManager. */
export interface ModeHolder {
  readonly mode: ModeControl;
}

/** Those of the environment's own network namespace. One that nobody refers to is garbage. */
const open = new Set<WeakRef<ModeHolder>>();

export function addOpenManager(manager: ModeHolder): void {
  open.add(new WeakRef(manager));
}

export function deleteOpenManager(manager: ModeHolder): void {
  for (const each of open) if ([manager, undefined].includes(each.deref())) open.delete(each);
}

/** Returns the manager that has the userspace mode, if one has. */
export function modeOwner(): ModeHolder | undefined {
  return Array.from(open, (each) => each.deref()).find((manager) => manager?.mode.owned);
}
