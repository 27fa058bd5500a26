import type { Tagged } from '../base/tagged';
import type { TcpHandle } from './node/types';

export const BEFORE_CLOSE = Symbol.for('mptcp.beforeClose.1');
export type Handle = Tagged<TcpHandle, typeof BEFORE_CLOSE, (() => void)[]>;

/** Calls `last` while the descriptor can still be read. */
export function onBeforeClose(handle: Handle, last: () => void): void {
  handle[BEFORE_CLOSE] = [...(handle[BEFORE_CLOSE] ?? []), last];
}
