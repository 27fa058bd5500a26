/** Servers of other projects, each run in a process with its own temporary folder. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Process } from '../lab/process';

export const HOST = '127.0.0.1';

interface Daemon {
  launch: (folder: string) => Process;
  /** The line that it prints, to `from`, when it accepts connections. */
  ready: RegExp;
  from: 'stdout' | 'stderr';
  /** The signal for an orderly end. */
  stop: NodeJS.Signals;
}

/** A port of HOST on which nobody listens. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts();
  return port;
}

/** Two different such ports. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer().listen(0, HOST), createServer().listen(0, HOST)];
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as [number, number];
}

/** Starts a daemon in a new folder, waits until it is ready, and ends it after `use`. */
export async function withDaemon(
  { launch, ready, from, stop }: Daemon,
  use: () => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mptcp-daemon-'));
  let daemon: Process | undefined;
  try {
    daemon = launch(folder);
    await daemon.line(ready, { from });
    await use();
  } finally {
    await daemon?.kill(stop);
    rmSync(folder, { recursive: true });
  }
}
