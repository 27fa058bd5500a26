/** A host of the lab: a network namespace, the programs that run in it, and its configuration. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Process } from './process';

/**
 * Kills what runs in a namespace and deletes it as soon as its owner closes the pipe; the kernel
 * closes it for an owner that crashes or is killed.
 */
const GUARDIAN = `
  read -r _
  while pids=$(ip netns pids "$0") && [ -n "$pids" ]; do kill -KILL $pids; done 2>/dev/null
  ip netns delete "$0"`;

/** The path managers by their numbers in net.mptcp.pm_type. */
const MODE_NUMBERS = ['kernel', 'userspace'] as const;

export interface RunOptions {
  input?: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

export interface SpawnOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** Runs a command to its end and returns its standard output; throws its output when it fails. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): string {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    ...options,
  });
  if (error) throw error;
  if (status === 0) return stdout;
  const input = options.input === undefined ? '' : `\n${options.input}`;
  throw new Error(
    `${command} ${args.join(' ')}: ${signal ?? `code ${status}`}: ${stderr}${stdout}${input}`,
  );
}

const uniqueName = (label: string): string =>
  `mptcp-${process.pid}-${randomBytes(3).toString('hex')}-${label}`;

/** Whether this process may create namespaces and veth pairs; tries it to find out. */
export function namespacesAvailable(): { ok: true } | { ok: false; reason: string } {
  const name = uniqueName('probe');
  try {
    run('ip', ['netns', 'add', name]);
    try {
      run('ip', ['-n', name, 'link', 'add', 'type', 'veth']);
    } finally {
      run('ip', ['netns', 'delete', name]);
    }
    return { ok: true };
  } catch (error) {
    const cause = (error as Error).message.trim();
    return { ok: false, reason: `no network namespaces, try as root or rootless.sh: ${cause}` };
  }
}

/** A host of the lab: a network namespace and the programs that run in it. */
export class Namespace implements AsyncDisposable {
  readonly name: string;
  readonly #guardian: ChildProcess;
  readonly #gone: Promise<unknown[]>;
  readonly #processes = new Set<Process>();

  constructor(label: string) {
    this.name = uniqueName(label);
    this.#guardian = spawn('sh', ['-c', GUARDIAN, this.name], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // a terminal's Ctrl-C must not reach it
    });
    this.#gone = once(this.#guardian, 'exit');
    this.#gone.catch(() => undefined);
    this.#keepAlive(false);
    try {
      run('ip', ['netns', 'add', this.name]);
      this.ip('link', 'set', 'lo', 'up');
    } catch (error) {
      this.#guardian.stdin?.end();
      throw error;
    }
  }

  /** Runs a command in the namespace to its end; returns its standard output, or throws. */
  exec(command: string, args: readonly string[] = [], options?: RunOptions): string {
    return run('ip', ['netns', 'exec', this.name, command, ...args], options);
  }

  /** Starts a program in the namespace. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): Process {
    const child = spawn('ip', ['netns', 'exec', this.name, command, ...args], {
      stdio: 'pipe',
      ...options,
    });
    const process = new Process([command, ...args].join(' '), child);
    this.#processes.add(process);
    const forget = () => this.#processes.delete(process);
    process.exited.then(forget, forget);
    return process;
  }

  ip(...args: string[]): string {
    return run('ip', ['-n', this.name, ...args]);
  }

  /** Whether every device carries packets, which it does only some time after it is set up. */
  linksAreUp(): boolean {
    const links = JSON.parse(this.ip('-j', 'link')) as { operstate: string }[];
    return links.every(({ operstate }) => operstate === 'UP' || operstate === 'UNKNOWN');
  }

  tc(...args: string[]): string {
    return run('tc', ['-n', this.name, ...args]);
  }

  nft(ruleset: string): string {
    return this.exec('nft', ['-f', '-'], { input: ruleset });
  }

  /** Reads or sets a sysctl of the namespace, without sysctl(8), which not every machine has. */
  sysctl(name: string, value?: string | number): string {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    if (value === undefined) return this.exec('cat', [path]).trim();
    return this.exec('tee', [path], { input: String(value) });
  }

  /** Reads or sets the path manager of new connections: kernels before 6.15 have a number for it. */
  pathManager(mode?: 'kernel' | 'userspace'): string {
    if (existsSync('/proc/sys/net/mptcp/path_manager'))
      return this.sysctl('net.mptcp.path_manager', mode);
    const number = mode && MODE_NUMBERS.indexOf(mode);
    return MODE_NUMBERS[Number(this.sysctl('net.mptcp.pm_type', number))]!;
  }

  /** Sets the in-kernel path manager's limits. */
  limits(limits: { subflows: number; addAddrAccepted: number }): void {
    const { subflows, addAddrAccepted } = limits;
    this.ip(
      ...['mptcp', 'limits', 'set', 'subflows', String(subflows)],
      ...['add_addr_accepted', String(addAddrAccepted)],
    );
  }

  /** Adds an endpoint; `args` are those of `ip mptcp endpoint add`: 'subflow', 'signal', 'dev' … */
  addEndpoint(address: string, ...args: string[]): void {
    this.ip('mptcp', 'endpoint', 'add', address, ...args);
  }

  /** The counters of the network stack, such as MPTcpExtMPJoinAckRx. */
  counters(): Record<string, number> {
    const report = JSON.parse(this.exec('nstat', ['-asz', '--json'])) as {
      kernel: Record<string, number>;
    };
    return report.kernel;
  }

  /** Kills what still runs in the namespace and deletes it. */
  async dispose(): Promise<void> {
    this.#keepAlive(true);
    if (process.env.MPTCP_TEST_KEEP === '1') {
      // The guardian deletes it when jest is ended.
      process.stderr.write(`Until jest is ended: ip netns exec ${this.name} bash\n`);
      return;
    }
    this.#guardian.stdin?.end();
    const [code] = await this.#gone;
    await Promise.allSettled(Array.from(this.#processes, ({ exited }) => exited));
    if (code !== 0) throw new Error(`could not delete the network namespace ${this.name}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #keepAlive(alive: boolean): void {
    const method = alive ? 'ref' : 'unref';
    this.#guardian[method]();
    (this.#guardian.stdin as Socket)[method]();
  }
}
