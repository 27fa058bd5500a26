import { getSystemErrorName, types } from 'node:util';
import type { NativeError } from '../../types/native';

export type MptcpErrorCode =
  /** This machine cannot speak MPTCP, or cannot tell whether a connection does. */
  | 'ERR_MPTCP_UNAVAILABLE'
  /** The peer or the path does not speak MPTCP. */
  | 'ERR_MPTCP_FALLBACK'
  /** A capability is missing: the message says which, and how to get it. */
  | 'ERR_MPTCP_PERMISSION'
  /** A limit of the kernel, or one that was set: see `maximum`. */
  | 'ERR_MPTCP_LIMIT'
  /** No such endpoint, connection, subflow or network namespace. */
  | 'ERR_MPTCP_NOT_FOUND'
  /** The address or the id is in use. */
  | 'ERR_MPTCP_EXISTS'
  /** Another path manager has the connection, or the whole network namespace. */
  | 'ERR_MPTCP_PATH_MANAGER'
  /** This kernel does not know the command, the flag or the setting. */
  | 'ERR_MPTCP_UNSUPPORTED'
  /** The object was closed, before the call or during it. */
  | 'ERR_MPTCP_CLOSED'
  /** The kernel refused a call for a reason that has no code of its own here: see errno. */
  | 'ERR_MPTCP_SYSTEM';

export interface MptcpErrorDetails {
  /** Negative, as in Node's own system errors. */
  errno?: number;
  /** The system call that failed, with the option it was about: 'getsockopt MPTCP_INFO'. */
  syscall?: string;
  /** The netlink command that failed: 'MPTCP_PM_CMD_ADD_ADDR'. */
  command?: string;
  /** The kernel's own words. */
  extack?: string;
  /** Of the limit that was hit. */
  maximum?: number;
  cause?: unknown;
}

/** What MPTCP could not do, and what to do about it. Errors that Node has a code for keep theirs. */
export class MptcpError extends Error {
  readonly code: MptcpErrorCode;
  readonly errno?: number;
  readonly syscall?: string;
  readonly command?: string;
  readonly extack?: string;
  readonly maximum?: number;

  constructor(code: MptcpErrorCode, message: string, details: MptcpErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MptcpError';
    this.code = code;
    this.errno = details.errno;
    this.syscall = details.syscall;
    this.command = details.command;
    this.extack = details.extack;
    this.maximum = details.maximum;
  }
}

/** The operation was aborted by its signal, whose reason is the `cause`. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'ABORT_ERR';
  /** The kernel had the request already and has done it. */
  readonly applied: boolean;

  constructor(signal: AbortSignal, applied: boolean) {
    super('The operation was aborted', { cause: signal.reason });
    this.applied = applied;
  }
}

/** Also where this module runs in a context of its own, as under jest. */
export function isNativeError(error: unknown): error is NativeError {
  return types.isNativeError(error) && 'errno' in error && 'call' in error;
}

/** The name of an error that the addon threw: 'ENOPROTOOPT'. */
export function errnoName(error: unknown): string | undefined {
  return isNativeError(error) ? getSystemErrorName(-error.errno) : undefined;
}

/** Where a negative errno is wanted, as libuv gives it. */
export function negativeErrno(error: unknown): number | undefined {
  return isNativeError(error) ? -error.errno : undefined;
}

/** An error of the addon, made public: the kernel's words and `advice` on what to do. */
export function systemError(code: MptcpErrorCode, error: unknown, advice: string): MptcpError {
  if (!isNativeError(error)) return new MptcpError(code, advice, { cause: error });
  return new MptcpError(code, `${error.message} (${errnoName(error) ?? ''}). ${advice}`, {
    errno: -error.errno,
    syscall: error.call,
    ...(error.extack === undefined ? {} : { extack: error.extack }),
  });
}
