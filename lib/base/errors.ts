/** The errors of this package, and what becomes of those that the addon throws. */
import { getSystemErrorName, types } from 'node:util';
import type { NativeError } from '../../types/native';

/** The codes of {@link MptcpError}. */
export type MptcpErrorCode =
  /** This machine cannot speak MPTCP, or cannot say whether a connection does. */
  | 'ERR_MPTCP_UNAVAILABLE'
  /** The peer or the path does not speak MPTCP. */
  | 'ERR_MPTCP_FALLBACK'
  /**
   * A capability is missing, or the container or service of this process forbids it: the message says
   * which, and how to get it.
   */
  | 'ERR_MPTCP_PERMISSION'
  /** A limit of the kernel, or one that was set, is reached: see `maximum`. */
  | 'ERR_MPTCP_LIMIT'
  /** No such endpoint, connection, subflow or network namespace. */
  | 'ERR_MPTCP_NOT_FOUND'
  /** An address names several endpoints: the message lists them. */
  | 'ERR_MPTCP_AMBIGUOUS'
  /** The address or the address id is in use. */
  | 'ERR_MPTCP_EXISTS'
  /** Another path manager has the connection, or the whole network namespace. */
  | 'ERR_MPTCP_PATH_MANAGER'
  /** This kernel does not know the command, the flag or the setting. */
  | 'ERR_MPTCP_UNSUPPORTED'
  /** The object was closed, before the call or during it. */
  | 'ERR_MPTCP_CLOSED'
  /** The kernel refused a call for a reason that has no code of its own here: see errno. */
  | 'ERR_MPTCP_SYSTEM';

/** What an {@link MptcpError} says beyond its code and its message. */
export interface MptcpErrorDetails {
  /** The number of the system error, negative as in Node's own errors. */
  errno?: number;
  /** The system call that failed, with the option it was about: 'getsockopt MPTCP_INFO'. */
  syscall?: string;
  /** The netlink command that failed: 'MPTCP_PM_CMD_ADD_ADDR'. */
  command?: string;
  /** The kernel's own error text (netlink's extended acknowledgement). */
  extack?: string;
  /** The value of the limit that was reached. */
  maximum?: number;
  /** The error that this one explains. */
  cause?: unknown;
}

/**
 * The error of everything that MPTCP could not do; its message says what to do about it. Errors
 * that Node has a code for, such as ECONNREFUSED, keep that code and are none of these.
 */
export class MptcpError extends Error {
  /** What went wrong, stable across versions. */
  readonly code: MptcpErrorCode;
  /**
   * The number of the system error, negative as in Node's own errors; undefined: there was none.
   */
  readonly errno?: number;
  /** The system call that failed, with the option it was about: 'getsockopt MPTCP_INFO'. */
  readonly syscall?: string;
  /** The netlink command that failed: 'MPTCP_PM_CMD_ADD_ADDR'. */
  readonly command?: string;
  /** The kernel's own error text (netlink's extended acknowledgement). */
  readonly extack?: string;
  /** With ERR_MPTCP_LIMIT: the value of the limit that was reached. */
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
  /** 'AbortError', as of Node's own. */
  override readonly name = 'AbortError';
  /** 'ABORT_ERR', as of Node's own. */
  readonly code = 'ABORT_ERR';
  /** Whether the kernel had the request already, and has done it. */
  readonly applied: boolean;

  constructor(signal: AbortSignal, applied: boolean) {
    super('The operation was aborted', { cause: signal.reason });
    this.applied = applied;
  }
}

/** Whether the addon threw this error; it may come from another V8 context, as under jest. */
export function isNativeError(error: unknown): error is NativeError {
  return types.isNativeError(error) && 'errno' in error && 'call' in error;
}

/** The name of the system error that the addon threw, such as 'ENOPROTOOPT'. */
export function errnoName(error: unknown): string | undefined {
  return isNativeError(error) ? getSystemErrorName(-error.errno) : undefined;
}

/** The negative errno of an error that the addon threw, as libuv reports errors. */
export function negativeErrno(error: unknown): number | undefined {
  return isNativeError(error) ? -error.errno : undefined;
}

/** The public form of an error that the addon threw; `advice` follows the kernel's text. */
export function systemError(code: MptcpErrorCode, error: unknown, advice: string): MptcpError {
  if (!isNativeError(error)) return new MptcpError(code, advice, { cause: error });
  return new MptcpError(code, `${error.message} (${errnoName(error) ?? ''}). ${advice}`, {
    errno: -error.errno,
    syscall: error.call,
    ...(error.extack === undefined ? {} : { extack: error.extack }),
  });
}
