/** Runs the programs of this folder as users do, each in its own process. */
import { spawn, type SpawnOptions } from 'node:child_process';
import { join } from 'node:path';
import type { ConnectionStatus } from 'mptcp';
import type { Namespace } from '../lab/namespace';
import { Process } from '../lab/process';

const ROOT = join(__dirname, '..', '..');
const LIFETIME = 60_000;

export type Scheme = 'http' | 'https';

/** The environment variables of an app that is started with the preload. */
export const PRELOAD = { NODE_OPTIONS: '--import mptcp/register' };

/** The certificate of every server here, whatever its address. */
export const CERTIFICATE = {
  key: join(__dirname, 'tls', 'key.pem'),
  cert: join(__dirname, 'tls', 'cert.pem'),
};

/** A server's description of a connection. */
export interface Described {
  status: ConnectionStatus;
  token?: number;
  serverSide: boolean;
}

/** The report of a client, made by clients/exercise.mjs. */
export interface Report {
  /** The server's answers to two requests. */
  server: [Described, Described];
  /** The client's own connections, with the bytes that each subflow received. */
  client: { status: ConnectionStatus; serverSide: boolean; subflows: number[] }[];
  echoed: boolean;
  refused: string;
}

/** Starts a command, which is killed if it runs too long. */
export function start(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Process {
  const child = spawn(command, args, { cwd: ROOT, timeout: LIFETIME, ...options, stdio: 'pipe' });
  return new Process([command, ...args].join(' '), child);
}

type Env = NodeJS.ProcessEnv;

const command = (file: string, args: readonly string[]): [string, string[]] => [
  process.execPath,
  [join(__dirname, file), ...args],
];

const environment = (env: Env): Env => ({
  ...process.env,
  NODE_EXTRA_CA_CERTS: CERTIFICATE.cert,
  ...env,
});

/** Starts a program of this folder. */
export function node(file: string, args: readonly string[] = [], env: Env = {}): Process {
  return start(...command(file, args), { env: environment(env) });
}

/** Starts a program of this folder on another host. */
export function nodeIn(
  host: Namespace,
  file: string,
  args: readonly string[] = [],
  env: Env = {},
): Process {
  return host.spawn(...command(file, args), { env: environment(env), cwd: ROOT });
}

/**
 * Waits for the port of a server, and closes its input after `use`, upon which it must end by itself.
 */
export async function withServer(
  server: Process,
  use: (port: number, server: Process) => Promise<void>,
): Promise<void> {
  try {
    const { port } = await server.json<{ port: number }>();
    await use(port, server);
    server.stdin.end();
    await server.success();
  } finally {
    await server.kill();
  }
}

/** Waits until a client ends by itself, and returns its report. */
export async function report(client: Process): Promise<Report> {
  return JSON.parse(await client.success()) as Report;
}

/** Expects that a client did everything over one MPTCP connection to a server of ours. */
export function expectMptcp({ server, ...client }: Report): void {
  const { token } = server[0];
  expect(token).toBeGreaterThan(0);
  const described = { status: 'mptcp', serverSide: true, token };
  expect(server).toEqual([described, described]);
  expect(client).toEqual({
    client: [{ status: 'mptcp', serverSide: false, subflows: [expect.any(Number)] }],
    echoed: true,
    refused: 'ECONNREFUSED',
  });
}
