/**
 * A guest: a virtual machine with another kernel on the files of this machine. It sees them
 * read-only, with memory above them, so that Node.js, the checkout and every program are there, and
 * nothing that a guest does to them lasts. Only its folder is shared both ways.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../lab/until';
import type { Kernel } from './debian-kernels';
import { buildInitramfs } from './initramfs';
import { quoted } from './quoted';

const MEMORY = '3G';

/** Debian 12 has the daemon in qemu-system-common, later releases in a package of its own. */
const DAEMONS = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd'];

/**
 * Shares files read-only, with those of other file systems that paths are on. The mounts are in a
 * namespace of their own, so that nothing else reaches this machine's files by them.
 */
const SHARE_READ_ONLY = `
  point=$0 paths=$1
  shift
  for mounted in $(stat -c %m / $paths | sort -u); do
    mount --bind "$mounted" "$point$mounted"
    mount -o remount,bind,ro "$point$mounted"
  done
  exec "$@"`;

export interface GuestOptions {
  kernel: Kernel;
  /** A command of the shell, which root runs in the folder `cwd`. */
  command: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** A new folder for the guest's files. */
  folder: string;
  /** Is called with each line of the guest's console. */
  onLine: (line: string) => void;
  signal: AbortSignal;
}

/** The programs of a guest, which end together. */
class Programs implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  #output = '';

  constructor(signal: AbortSignal) {
    this.#signal = AbortSignal.any([signal, this.#ending.signal]);
  }

  /** Starts a program, which also ends when this process is killed. */
  start(command: string, args: readonly string[]): ChildProcess {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a terminal's Ctrl-C ends all of them by the signal
      signal: this.#signal,
      killSignal: 'SIGKILL',
    });
    child.on('error', () => undefined); // aborted
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#children.push(child);
    return child;
  }

  /** An error with what the programs have written. */
  error(what: string): Error {
    this.#signal.throwIfAborted();
    return new Error(`${what}: ${this.#output.trim()}`);
  }

  get running(): boolean {
    return this.#children.every(isRunning);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#children.filter(isRunning).map((child) => once(child, 'exit')));
  }
}

const isRunning = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid !== undefined && exitCode === null && signalCode === null;

/** The command of the daemon that shares a folder by a socket. */
function serve(socket: string, source: string, cache: 'always' | 'none'): [string, ...string[]] {
  const daemon = DAEMONS.find(existsSync);
  if (daemon === undefined)
    throw new Error('There is no virtiofsd: install qemu-system-common, or virtiofsd');
  const options = [`source=${source}`, `cache=${cache}`, 'sandbox=chroot'];
  return [daemon, `--socket-path=${socket}`, ...options.flatMap((option) => ['-o', option])];
}

/** The arguments of qemu for a folder that the guest mounts as virtiofs. */
const device = (tag: string, socket: string): string[] => [
  ...['-chardev', `socket,id=${tag},path=${socket}`],
  ...['-device', `vhost-user-fs-pci,chardev=${tag},tag=${tag},queue-size=1024`],
];

function writeGuestFiles(shared: string, { command, cwd, env }: GuestOptions): void {
  copyFileSync(join(__dirname, 'guest.sh'), join(shared, 'guest.sh'));
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  writeFileSync(join(shared, 'environment'), variables.join(''));
  writeFileSync(join(shared, 'command'), `cd ${quoted(cwd)} && ${command}\n`);
}

/** The folder below `folder` that the guest sees as /mptcp-guest, for the results of its command. */
export const sharedFolder = (folder: string): string => join(folder, 'shared');

/** Boots the kernel, runs the command and returns its exit status. */
export async function runInGuest(options: GuestOptions): Promise<number> {
  const { kernel, cwd, folder, onLine, signal } = options;
  const shared = sharedFolder(folder);
  const point = join(folder, 'machine');
  for (const each of [shared, point]) mkdirSync(each, { recursive: true });
  writeGuestFiles(shared, options);
  const initramfs = buildInitramfs(kernel, folder);
  const sockets = { machine: join(folder, 'machine.socket'), guest: join(folder, 'guest.socket') };

  await using programs = new Programs(signal);
  programs.start('unshare', [
    ...['--mount', 'sh', '-euc', SHARE_READ_ONLY, point, [cwd, process.execPath].join(' ')],
    ...serve(sockets.machine, point, 'always'),
  ]);
  const [daemon, ...args] = serve(sockets.guest, shared, 'none');
  programs.start(daemon, args);
  await until('both folders are shared', () => {
    if (!programs.running) throw programs.error('virtiofsd ended');
    return existsSync(sockets.machine) && existsSync(sockets.guest);
  });
  const qemu = programs.start('qemu-system-x86_64', [
    ...['-accel', 'tcg', '-cpu', 'max', '-smp', '2', '-m', MEMORY, '-no-reboot'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio'],
    ...['-object', `memory-backend-memfd,id=memory,size=${MEMORY},share=on`],
    ...['-machine', 'q35,memory-backend=memory', '-device', 'virtio-rng-pci'],
    ...device('machine', sockets.machine),
    ...device('guest', sockets.guest),
    ...['-kernel', kernel.image, '-initrd', initramfs],
    // On a busy machine the emulated timer is too late for the kernel's check of it.
    ...['-append', 'console=ttyS0 quiet panic=-1 no_timer_check random.trust_cpu=on'],
  ]);
  createInterface({ input: qemu.stdout! }).on('line', onLine);
  await new Promise((resolve) => qemu.once('close', resolve));
  const status = join(shared, 'status');
  if (!existsSync(status)) throw programs.error('The guest ended before its command');
  return Number(readFileSync(status, 'utf8'));
}
