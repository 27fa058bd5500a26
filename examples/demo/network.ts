/** The network of the demo: two hosts in network namespaces, or loopback. */
import { spawn } from 'node:child_process';
import type { Path } from '../../test/lab/path';
import type { Side } from '../../test/lab/path-end';
import { Process } from '../../test/lab/process';
import { type Need, missing } from '../../test/lab/requirements';
import { type Hosts, twoPaths } from '../../test/lab/topologies';

/** The rate of each path in either direction, in Mbit/s. */
export const RATES = [20, 15] as const;

/** The network in which the demo runs. */
export interface Network extends AsyncDisposable {
  readonly kind: 'namespaces' | 'loopback';
  /** The paths between client and server; none over loopback. */
  readonly paths: readonly Path[];
  /** The server's address on the first path. */
  readonly address: string;
  /** The reason for loopback where namespaces were requested. */
  readonly reason?: string;
  /** Starts a script of Node.js on a host. */
  start(side: Side, script: string, ...args: string[]): Process;
}

export const NETWORKS = ['auto', 'namespaces', 'loopback'] as const;

/** Makes two hosts with two paths; with 'auto', loopback where namespaces are not available. */
export async function createNetwork(
  network: (typeof NETWORKS)[number],
  signal: AbortSignal,
): Promise<Network> {
  if (network === 'loopback') return new Loopback();
  const reason = (['ip', 'tc', 'mptcp', 'namespaces'] as const satisfies Need[])
    .map(missing)
    .find((answer) => answer !== undefined);
  try {
    if (reason !== undefined) throw new Error(reason);
    const [first, second] = RATES;
    const paths = [{ rate: `${first}mbit` }, { rate: `${second}mbit` }] as const;
    return new TwoHosts(await twoPaths({ paths, join: 'none' }));
  } catch (error) {
    signal.throwIfAborted(); // a Ctrl-C interrupts running commands too
    if (network === 'namespaces') throw error;
    return new Loopback((error as Error).message.trim());
  }
}

class TwoHosts implements Network {
  readonly kind = 'namespaces';

  constructor(private readonly hosts: Hosts<readonly [Path, Path]>) {}

  get paths(): readonly Path[] {
    return this.hosts.paths;
  }

  get address(): string {
    return this.hosts.paths[0].server.address;
  }

  start(side: Side, script: string, ...args: string[]): Process {
    return this.hosts[side].spawn(process.execPath, [script, ...args]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.hosts.dispose();
  }
}

class Loopback implements Network {
  readonly kind = 'loopback';
  readonly paths = [];
  readonly address = '127.0.0.1';
  readonly #processes: Process[] = [];

  constructor(readonly reason?: string) {}

  start(_side: Side, script: string, ...args: string[]): Process {
    const command = [process.execPath, script, ...args] as const;
    const [node, ...rest] = command;
    const started = new Process(command.join(' '), spawn(node, rest));
    this.#processes.push(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.filter(({ running }) => running).map((each) => each.kill()));
  }
}
