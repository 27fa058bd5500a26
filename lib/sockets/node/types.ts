/** Types of what Node does not document, and of the hooks around it. */
import type net from 'node:net';

/** Node's TCPConnectWrap: a pending connect(). */
export interface ConnectRequest {
  /** Called with 0 or a negative errno when the connection is established or has failed. */
  oncomplete?: ((status: number, handle: TcpHandle, ...rest: unknown[]) => void) | undefined;
}

/**
 * Node's TCP: the handle of libuv under a socket or server. Numbers returned are 0 or a negative
 * errno.
 */
export interface TcpHandle {
  /** The file descriptor; -1 where it has none. */
  readonly fd: number;
  /** The bytes that were read from the descriptor. */
  readonly bytesRead: number;
  /** The bytes that were given to the handle to write. */
  readonly bytesWritten: number;
  open(fd: number): number;
  close(callback?: () => void): void;
  reset(callback?: () => void): number;
  bind(address: string, port: number, ...rest: unknown[]): number;
  bind6(address: string, port: number, ...rest: unknown[]): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  getpeername(out: { address?: string; port?: number }): number;
  getsockname(out: { address?: string; port?: number }): number;
  unref(): void;
  onconnection?: ((error: number, client?: TcpHandle) => void) | null;
}

/** Where a socket connects to; `path` for a Unix socket. */
export interface ConnectTarget {
  host?: string;
  port?: number;
  path?: string | null;
  autoSelectFamilyAttemptTimeout?: number;
  /** The name that an HTTP agent has given the connection. */
  _agentKey?: unknown;
  mptcp?: unknown;
}

/** Where a server listens; a null address is the unspecified one. */
export interface ListenAddress {
  address: string | null;
  port: number;
}

/** What to do at each step of a handle's life. Numbers returned are 0 or a negative errno. */
export interface HandleHooks {
  /** Called before a socket connects. */
  socketConnect(socket: net.Socket, target: ConnectTarget): void;
  /** Called before a server looks up the address to listen at. */
  serverListens(server: net.Server): void;
  /**
   * Called instead of `listen`, which makes the server listen; `at` is given where it is to be bound,
   * or was bound by a cluster's primary. The server emits the error that is returned.
   */
  serverListen(
    server: net.Server,
    at: ListenAddress | undefined,
    listen: () => void,
  ): Error | undefined;
  /** Called before bind(). */
  bind(handle: TcpHandle, family: 4 | 6, address: string, port: number): number;
  /** Called before connect(); may replace `request.oncomplete`. */
  connect(
    handle: TcpHandle,
    family: 4 | 6,
    request: ConnectRequest,
    address: string,
    port: number,
  ): number;
  /**
   * Called before close() and reset(). `socket` is given where it closes its own handle: not where it
   * is reset, or another process has the handle too.
   */
  close(handle: TcpHandle, socket: net.Socket | undefined): void;
}
