/**
 * The open path managers of this environment, one of which may have the userspace mode: those of all
 * copies of this package, which an app and its libraries may each have.
 */
import net from 'node:net';
import type { ModeControl } from './mode';

/** An object with a mode: a PathManager. */
export interface ModeHolder {
  readonly mode: ModeControl;
}

/** The open managers of the environment's own network namespace; weak, so that they can be garbage. */
const open = ((net.Socket as unknown as Record<symbol, Set<WeakRef<ModeHolder>> | undefined>)[
  Symbol.for('mptcp.pathManagers.1') // the number changes with the form of a ModeHolder
] ??= new Set());

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
