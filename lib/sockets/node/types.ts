import type net from 'node:net';

export interface ConnectRequest {
  oncomplete?: ((status: number, handle: TcpHandle, ...rest: unknown[]) => void) | undefined;
}

export interface TcpHandle {
  /** -1 without a descriptor. */
  readonly fd: number;
  open(fd: number): number;
  close(callback?: () => void): void;
  reset(callback?: () => void): number;
  bind(address: string, port: number, ...rest: unknown[]): number;
  bind6(address: string, port: number, ...rest: unknown[]): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  getpeername(out: { address?: string; port?: number }): number;
  unref(): void;
  onconnection?: ((error: number, client?: TcpHandle) => void) | null;
}

/** Where a socket is about to connect to: `path` for a Unix socket. */
export interface ConnectTarget {
  host?: string;
  port?: number;
  path?: string | null;
  mptcp?: unknown;
}

/** Where a server listens: null for every address. */
export interface ListenAddress {
  address: string | null;
  port: number;
}

/** What to do at each step of a handle's life. Results are libuv's: 0, or a negative errno. */
export interface HandleHooks {
  /** Before a socket connects. */
  socketConnect(socket: net.Socket, target: ConnectTarget): void;
  /** Before a server looks up where to listen. */
  serverListens(server: net.Server): void;
  /**
   * In place of a server's listening, which is `listen`; `at` only where it is to be bound, or was by
   * a cluster's primary. An error is emitted by the server.
   */
  serverListen(
    server: net.Server,
    at: ListenAddress | undefined,
    listen: () => void,
  ): Error | undefined;
  /** Before bind(). */
  bind(handle: TcpHandle, family: 4 | 6, address: string, port: number): number;
  /** Before connect(); may replace `request.oncomplete`. */
  connect(
    handle: TcpHandle,
    family: 4 | 6,
    request: ConnectRequest,
    address: string,
    port: number,
  ): number;
  /** Before close(). `socket`: whose own close it is; none when another process has the handle too, or it is reset. */
  close(handle: TcpHandle, socket: net.Socket | undefined): void;
}
