/** The state of sockets that connect, or may: their settings and their attempts. */
import type net from 'node:net';
import type { Queued } from '../base/delay-queue';
import type { Tagged } from '../base/tagged';
import { kClient } from './node/handle';
import type { ConnectRequest, ConnectTarget, TcpHandle } from './node/types';
import type { Settings } from './options';

/** One attempt to connect over MPTCP: Happy Eyeballs makes several for one socket. */
export interface Attempt {
  handle: TcpHandle;
  request: ConnectRequest;
  family: 4 | 6;
  address: string;
  port: number;
  /** When it began (performance.now()); undefined for the first one, which the queue times. */
  began?: number;
}

/**
 * What is known about a socket that connects. It is one object, also its own entry of the queue of
 * tcp-retry.ts, because every connection pays for what is allocated here.
 */
export class Client implements Queued {
  due = 0;
  before: Queued | undefined;
  after: Queued | undefined;
  /** The local address that the app has bound the socket to. */
  local: { address: string; port: number } | undefined;
  /** The attempt in progress. */
  attempt: Attempt | undefined;
  /** Whether an attempt has begun: the queue times the first one. */
  begun = false;
  /** Whether there was no answer within the wait of tcp-retry.ts. */
  overdue = false;
  /** Ends the wait of the attempt in progress. */
  timer: NodeJS.Timeout | undefined;
  /** The handle of the attempt over TCP that runs beside it. */
  rival: TcpHandle | undefined;

  constructor(
    public settings: Settings,
    /** Where it connects to; empty until it does. */
    readonly target: ConnectTarget = {},
  ) {}
}

type Socket = Tagged<net.Socket, typeof kClient, Client>;

/**
 * Returns the state of a socket that connects, or may; undefined for one that a server accepted.
 */
export function clientOf(socket: Socket): Client | undefined {
  return socket[kClient];
}

/** Sets the state of a socket that connects. */
export function setClient(socket: Socket, client: Client | undefined): void {
  socket[kClient] = client;
}
