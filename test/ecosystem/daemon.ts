/** Servers that are not ours, each a process with a folder of its own. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Process } from '../lab/process';

export const HOST = '127.0.0.1';

interface Daemon {
  launch: (folder: string) => Process;
  /** What it says, and where, when it takes connections. */
  ready: RegExp;
  from: 'stdout' | 'stderr';
  /** The signal that ends it in order. */
  stop: NodeJS.Signals;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts();
  return port;
}

/** Two that differ. */
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
