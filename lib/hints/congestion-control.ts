/**
 * The hint `congestionControl`. Its value `auto` replaces the system's congestion control where MPTCP
 * collapses over it: native/core/congestion_rule.h has the rule, docs/congestion-control.md the reasons.
 */
import type { Native } from '../../types/native';
import { loadNative } from '../kernel/addon';
import { refused, set } from './apply';
import type { HintResult } from './hints';
import type { OptionHint } from './socket-options';

/** The option that sets a congestion control. */
export const congestion = (requested: string): OptionHint => ({
  ...{ hint: 'congestionControl', by: 'TCP_CONGESTION', requested },
});

/** Applies `auto` to a socket that will listen. True: the system's congestion control was replaced. */
export function forestallCollapse(fd: number): boolean {
  try {
    return loadNative()?.forestallCollapse(fd) ?? false;
  } catch {
    return false; // this kernel cannot set the congestion control of MPTCP sockets
  }
}

const REMEMBERED = 100; // ms

/** The system's congestion control was read just now, and needs no replacement. */
let knownHarmless = false;

/**
 * Applies `auto` to a socket that will connect. That the system's needs no replacement is remembered
 * for a moment, so that most connects cost no system call.
 */
export function forestallConnecting(fd: number): boolean {
  if (knownHarmless) return false;
  if (forestallCollapse(fd)) return true;
  knownHarmless = true;
  setTimeout(() => (knownHarmless = false), REMEMBERED).unref();
  return false;
}

/**
 * Applies `auto` to the connections of a listener that was bound elsewhere, such as by a cluster's
 * primary. True: they have another congestion control than the system's.
 */
export function forestallAccepted(listener = -1): boolean {
  const native = loadNative();
  if (!native) return false;
  if (listener >= 0) forestallCollapse(listener);
  try {
    return onNewSocket(native, forestallCollapse);
  } catch {
    return false; // this machine has no MPTCP
  }
}

let replacement: readonly HintResult[] | undefined;

/** The result of a connection for which the system's was replaced before it was made. */
export function forestalled(): readonly HintResult[] {
  const native = loadNative();
  if (!native) return [];
  replacement ??= [{ ...congestion(native.instead), applied: true, value: native.instead }];
  return replacement;
}

/** Applies `auto` to such a connection; the result says what stays replaced, if anything. */
export function settleCollapse(fd: number): readonly HintResult[] {
  const native = loadNative();
  if (!native) return [];
  try {
    return native.settleCollapse(fd) ? forestalled() : [];
  } catch (error) {
    return [refused(congestion(native.collapsing), error)];
  }
}

/** Sets the congestion control of a connection by name; 'system' needs nothing to be set. */
export function applyCongestionControl(fd: number, name: string): HintResult[] {
  const native = loadNative();
  return native && name !== 'system' ? [set(native, fd, congestion(name))] : [];
}

/** Calls `use` with a new MPTCP socket, and closes that. */
export function onNewSocket<T>(native: Native, use: (fd: number) => T): T {
  const fd = native.openSocket(4);
  try {
    return use(fd);
  } finally {
    native.closeSocket(fd);
  }
}

/** Sets the congestion control that a new socket would have, where another one was set before. */
export function restoreSystem(fd: number): HintResult[] {
  const native = loadNative();
  if (!native) return [];
  try {
    const name = onNewSocket(native, (each) => native.getOption(each, 'TCP_CONGESTION'));
    return [set(native, fd, congestion(name))];
  } catch (error) {
    return [refused(congestion('system'), error)];
  }
}

/** Applies `auto` to a connection for which another was set: the rule does late what it still can. */
export function applyAuto(fd: number): { results: readonly HintResult[]; replaced: boolean } {
  const system = restoreSystem(fd);
  const collapses = system[0]?.value === loadNative()?.collapsing;
  const settled = collapses ? settleCollapse(fd) : [];
  const replaced = settled.some(({ applied }) => applied);
  return { results: settled.length > 0 ? settled : system, replaced };
}

/** Restores what `auto` had replaced, after the connection fell back to TCP. */
export function undoAuto(fd: number): HintResult[] {
  const native = loadNative();
  return native ? [set(native, fd, congestion(native.collapsing))] : [];
}
