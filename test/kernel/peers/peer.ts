/** A peer: a Node.js process on a host of the lab, in which a test runs functions. */
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

/** One end of a connection that carries bytes in one direction. */
export interface Flow {
  connection: mptcp.Connection;
  socket: Socket;
  /** The number of bytes received. */
  received: number;
  /** The longest time without received data, in milliseconds; a test may reset it to 0. */
  stall: number;
  /** Pauses reading or sending. */
  pause: () => void;
  /** Resumes reading or sending. */
  resume: () => void;
  sent?: Sent;
  done?: Promise<Received>;
  error?: string;
}

/** What functions keep for those that run later in the same peer. */
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

/** The first argument of a function that runs in a peer, documented in peer-process.js. */
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
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each channel has its own type
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
  /** The path of another Node.js. */
  node?: string;
  /** Command-line options of Node.js, such as `--import mptcp/register`. */
  execArgv?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Whether it runs as nobody, without any capability. */
  unprivileged?: boolean;
  /** Whether it has priority over other processes, so that a busy machine does not delay it. */
  urgent?: boolean;
}

interface Answer {
  id: number;
  value?: unknown;
  error?: { stack?: string };
}

interface PendingCall {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

const SCRIPT = join(__dirname, 'peer-process.js');
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

/** A Node.js process on a host of the lab. */
export class Peer {
  readonly #pending = new Map<number, PendingCall>();
  #calls = 0;

  private constructor(readonly process: Process) {
    createInterface({ input: process.child.stdout }).on('line', (line) => this.#settle(line));
    const end = (why: string): void => {
      for (const { reject } of this.#pending.values())
        reject(new Error(`${why}\n${process.stderr}`));
      this.#pending.clear();
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

  /** Runs a function in the peer; it may use its arguments, and nothing else of the test. */
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
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  #settle(line: string): void {
    const { id, value, error } = JSON.parse(line) as Answer;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error) pending?.reject(Object.assign(new Error(), error));
    else pending?.resolve(value);
  }
}
