import type { EventEmitter } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import type { LookupFunction, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import type * as mptcp from '../../../lib';
import type * as http from '../../../lib/http';
import type * as http2 from '../../../lib/http2';
import type * as https from '../../../lib/https';
import type * as net from '../../../lib/net';
import type * as tls from '../../../lib/tls';
import type { PathPolicy } from '../../../lib/policy/policy';
import type { Namespace } from '../../lab/namespace';
import type { Process } from '../../lab/process';
import { type Certificate, certificate } from './certificate';

export type Protocol = 'mptcp' | 'tcp';

export interface Modules {
  net: typeof net;
  tls: typeof tls;
  http: typeof http;
  https: typeof https;
  http2: typeof http2;
}

export interface Received {
  length: number;
  sha256: string;
}

export type Sent = Readable & { digest: () => string; stop: () => void };

export type Role = 'send' | 'receive';

/** One end of a connection that carries bytes one way. */
export interface Flow {
  connection: mptcp.Connection;
  socket: Socket;
  /** Bytes. */
  received: number;
  /** The longest time without anything received, in milliseconds; may be set to 0. */
  stall: number;
  /** Stops reading or sending. */
  halt: () => void;
  go: () => void;
  sent?: Sent;
  done?: Promise<Received>;
  error?: string;
}

/** What functions leave to those that run later. */
export interface State {
  server: Server;
  socket: Socket;
  connection: mptcp.Connection;
  session: ClientHttp2Session;
  sent: Sent;
  received: number;
  messages: unknown[];
  events: string[];
  pathManager: mptcp.PathManager;
  port: number;
  policy: PathPolicy;
  managed: mptcp.ManagedPolicy;
  flows: Flow[];
  sockets: Socket[];
  actions: mptcp.PathAction[];
  refusals: string[];
}

/** What a function finds in the process of a peer: see peer-process.js. */
export interface Inside extends Modules {
  mptcp: typeof mptcp;
  plain: Modules;
  modules: (protocol: Protocol) => Modules;
  state: State;
  warnings: { code?: string; message: string }[];
  certificate: Certificate;
  Worker: typeof Worker;
  once: (emitter: EventEmitter, event: string) => Promise<unknown[]>;
  happened: (emitter: EventEmitter, event: string) => Promise<unknown[]>;
  exists: (path: string) => boolean;
  descriptors: () => number;
  threads: () => number;
  listen: (server: Server, host?: string) => Promise<number>;
  resolving: (addresses: readonly string[] | undefined) => { lookup?: LookupFunction };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each channel has its own
  record: <T>(channel: string, select?: (message: any) => T) => T[];
  bytes: (length: number) => Sent;
  receive: (
    stream: AsyncIterable<Buffer>,
    progress?: (length: number) => unknown,
  ) => Promise<Received>;
  flow: (socket: Socket, role: Role) => Flow;
  until: (ask: () => unknown, timeout?: number) => Promise<void>;
}

export interface PeerOptions {
  /** Another Node.js. */
  node?: string;
  /** Arguments of Node.js: `--import mptcp/register` … */
  execArgv?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Runs as nobody, without any capability. */
  unprivileged?: boolean;
  /** Runs before others, where that is permitted: its delays are then not those of a busy machine. */
  urgent?: boolean;
}

interface Answer {
  id: number;
  value?: unknown;
  error?: { stack?: string };
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

const SCRIPT = join(__dirname, 'peer-process.js');
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

/** A Node.js process on a host of the lab, in which a test runs functions. */
export class Peer {
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  private constructor(readonly process: Process) {
    createInterface({ input: process.child.stdout }).on('line', (line) => this.#settle(line));
    const end = (why: string): void => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${why}\n${process.stderr}`));
      this.#waiting.clear();
    };
    process.child.once('close', (code, signal) => end(`The peer ended: ${String(signal ?? code)}`));
  }

  static async start(host: Namespace, options: PeerOptions = {}): Promise<Peer> {
    const { node = process.execPath, execArgv = [], env = {} } = options;
    const { unprivileged = false, urgent = false } = options;
    const command = [
      ...(urgent ? ['nice', '-n', '-20'] : []),
      ...(unprivileged ? ['setpriv', ...NOBODY] : []),
      ...[node, ...execArgv, SCRIPT],
    ];
    const peer = new Peer(
      host.spawn(command[0]!, command.slice(1), {
        env: { ...process.env, PEER_CERTIFICATE: JSON.stringify(certificate()), ...env },
      }),
    );
    await peer.#expect(0);
    return peer;
  }

  /** Runs a function there; it sees its arguments and nothing of the test. */
  run<Args extends unknown[], Result>(
    call: (inside: Inside, ...args: Args) => Result,
    ...args: Args
  ): Promise<Awaited<Result>> {
    const id = ++this.#calls;
    this.process.stdin.write(`${JSON.stringify({ id, source: call.toString(), args })}\n`);
    return this.#expect(id) as Promise<Awaited<Result>>;
  }

  async stop(): Promise<void> {
    this.process.stdin.end();
    await this.process.exited;
  }

  #expect(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle(line: string): void {
    const { id, value, error } = JSON.parse(line) as Answer;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(Object.assign(new Error(), error));
    else waiting?.resolve(value);
  }
}
