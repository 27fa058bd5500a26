/**
 * The delay of a path, for kernels without netem: a program that relays packets between two TUN
 * devices.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Namespace, run } from './namespace';
import type { Process } from './process';

/** The root of the repository, also when this file was compiled into another folder of it. */
function root(folder = __dirname): string {
  return existsSync(join(folder, 'package.json')) ? folder : root(dirname(folder));
}

/** The path of the relay's binary, which is compiled when its source has changed. */
function binary(): string {
  const source = join(root(), 'test', 'lab', 'relay', 'relay.cc');
  const folder = join(root(), 'out', 'lab');
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const path = join(folder, `relay-${hash}`);
  if (!existsSync(path)) {
    const unfinished = `${path}.${process.pid}`;
    mkdirSync(folder, { recursive: true });
    run('g++', ['-std=c++20', '-O2', '-o', unfinished, source]);
    renameSync(unfinished, path);
  }
  return path;
}

/** Two TUN devices of a namespace; a packet sent to one leaves the other after a delay. */
export class Relay {
  private constructor(readonly process: Process) {}

  static async start(
    namespace: Namespace,
    devices: readonly [string, string],
    delay: number,
  ): Promise<Relay> {
    const relay = new Relay(namespace.spawn(binary(), [...devices, String(delay)]));
    await relay.process.line(/^ready$/);
    for (const device of devices) namespace.ip('link', 'set', device, 'up');
    return relay;
  }

  /** Sets the delay of each direction, in milliseconds, for packets that arrive from now on. */
  async setDelay(delay: number): Promise<void> {
    this.process.stdin.write(`${delay}\n`);
    await this.process.line(/^delay set$/);
  }
}
