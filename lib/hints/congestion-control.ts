import type { Native } from '../../types/native';
import { loadNative } from '../kernel/addon';
import { refused, set } from './apply';
import type { HintResult } from './hints';
import type { OptionHint } from './socket-options';

export const congestion = (wanted: string): OptionHint => ({
  ...{ hint: 'congestionControl', by: 'TCP_CONGESTION', wanted },
});

/** `auto` on a descriptor that is to listen. True: it has another than the system's. */
export function forestallCollapse(fd: number): boolean {
  try {
    return loadNative()?.forestallCollapse(fd) ?? false;
  } catch {
    return false; // this kernel knows no congestion control of MPTCP sockets
  }
}

const SPARED = 100; // ms

let spared = false;

/** The same on one that is to connect. Where the system's was another just now, it is not asked. */
export function forestallConnecting(fd: number): boolean {
  if (spared) return false;
  if (forestallCollapse(fd)) return true;
  spared = true;
  setTimeout(() => (spared = false), SPARED).unref();
  return false;
}

/** The same for what a listener accepts that was bound elsewhere, by a cluster's primary say. */
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

/** Of a connection where the system's was replaced, before it was made. */
export function forestalled(): readonly HintResult[] {
  const native = loadNative();
  if (!native) return [];
  replacement ??= [{ ...congestion(native.instead), applied: true, value: native.instead }];
  return replacement;
}

/** On such a connection: what keeps its place, if anything. */
export function settleCollapse(fd: number): readonly HintResult[] {
  const native = loadNative();
  if (!native) return [];
  try {
    return native.settleCollapse(fd) ? forestalled() : [];
  } catch (error) {
    return [refused(congestion(native.collapsing), error)];
  }
}

/** On a connection: a name, or 'system'. */
export function applyCongestionControl(fd: number, name: string): HintResult[] {
  const native = loadNative();
  return native && name !== 'system' ? [set(native, fd, congestion(name))] : [];
}

export function onNewSocket<T>(native: Native, use: (fd: number) => T): T {
  const fd = native.openSocket(4);
  try {
    return use(fd);
  } finally {
    native.closeSocket(fd);
  }
}

/** What a new socket would have, where another was chosen before. */
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

/** `auto` on a connection that has another: the rule comes late, and does what it still can. */
export function applyAuto(fd: number): { results: readonly HintResult[]; replaced: boolean } {
  const system = restoreSystem(fd);
  const collapses = system[0]?.value === loadNative()?.collapsing;
  const settled = collapses ? settleCollapse(fd) : [];
  const replaced = settled.some(({ applied }) => applied);
  return { results: settled.length > 0 ? settled : system, replaced };
}

/** A connection fell back to TCP: what `auto` had replaced for MPTCP is back. */
export function undoAuto(fd: number): HintResult[] {
  const native = loadNative();
  return native ? [set(native, fd, congestion(native.collapsing))] : [];
}
