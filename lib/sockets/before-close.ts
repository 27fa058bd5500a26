import type { Tagged } from '../base/tagged';
import type { TcpHandle } from './node/types';

/** The symbol under which a handle keeps the callbacks of {@link onBeforeClose}. */
export const kBeforeClose = Symbol.for('mptcp.beforeClose.1');
export type Handle = Tagged<TcpHandle, typeof kBeforeClose, (() => void)[]>;

/** Registers a callback that runs just before the descriptor is closed, and can still read it. */
export function onBeforeClose(handle: Handle, callback: () => void): void {
  handle[kBeforeClose] = [...(handle[kBeforeClose] ?? []), callback];
}
