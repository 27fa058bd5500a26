/** Sockets that connect, or may: what they asked for, and how they go about it. */
import type net from 'node:net';
import type { Queued } from '../base/delay-queue';
import type { Tagged } from '../base/tagged';
import { kClient } from './node/handle';
import type { ConnectRequest, ConnectTarget, TcpHandle } from './node/types';
import type { Settings } from './options';

/** To connect over MPTCP. */
export interface Attempt {
  handle: TcpHandle;
  request: ConnectRequest;
  family: 4 | 6;
  address: string;
  port: number;
}

/** One object for all: every connection that is made has to make them. */
export class Client implements Queued {
  due = 0;
  before: Queued | undefined;
  after: Queued | undefined;
  /** What the app binds the socket to. */
  local: { address: string; port: number } | undefined;
  /** The attempt that goes on. */
  attempt: Attempt | undefined;
  begun = false;
  /** It has had no answer for too long. */
  overdue = false;
  /** The attempt over TCP beside it. */
  rival: TcpHandle | undefined;

  constructor(
    public settings: Settings,
    /** None before it connects. */
    readonly target: ConnectTarget = {},
  ) {}
}

type Socket = Tagged<net.Socket, typeof kClient, Client>;

export function clientOf(socket: Socket): Client | undefined {
  return socket[kClient];
}

export function setClient(socket: Socket, client: Client | undefined): void {
  socket[kClient] = client;
}
