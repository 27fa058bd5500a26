/** Temporary folders in which the package is packed, installed and used. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findCommand } from '../lab/requirements';

export const ROOT = join(__dirname, '..', '..');

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  /** Whether a failure is returned; otherwise it throws the output of the program. */
  mayFail?: boolean;
}

/** A temporary folder, and programs that run in it. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), `mptcp-${process.pid}-`));

  run(
    command: string,
    args: readonly string[],
    { env = {}, mayFail = false }: RunOptions = {},
  ): SpawnSyncReturns<string> {
    const result = spawnSync(command, args, {
      cwd: this.path,
      encoding: 'utf8',
      env: { ...environment(), ...env },
      maxBuffer: 64 << 20,
      timeout: 600_000,
    });
    if (result.error) throw result.error;
    if (result.status !== 0 && !mayFail) {
      throw new Error(`${command} ${args.join(' ')}: ${result.stdout}${result.stderr}`);
    }
    return result;
  }

  write(name: string, text: string): void {
    const path = this.#prepare(name);
    writeFileSync(path, text);
  }

  /** Copies a file of the repository. */
  copy(name: string, as = name): void {
    cpSync(join(ROOT, name), this.#prepare(as));
  }

  /** Links a package that the repository has installed. */
  link(name: string): void {
    const target = join('node_modules', name);
    symlinkSync(join(ROOT, target), this.#prepare(target));
  }

  #prepare(name: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The environment without the variables of the npm that runs the tests, and without our own. */
function environment(): NodeJS.ProcessEnv {
  const inherited =
    /^(npm_(?!config_nodedir|package_config_node_gyp_)|NODE_OPTIONS|NODE_MPTCP|MPTCP_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.test(name)));
}

/** What `npm pack` made, and the folder in which it did. */
export interface Packed {
  folder: string;
  tarball: string;
  /** The unpacked size, in bytes. */
  size: number;
  files: string[];
}

/** Packs a copy of the repository with the prebuilt addons. */
export function pack(copy: Folder): Packed {
  const listed = copy.run('git', ['-C', ROOT, 'ls-files', '-co', '--exclude-standard', '-z']);
  for (const file of listed.stdout.split('\0').slice(0, -1)) copy.copy(file);
  symlinkSync(join(ROOT, 'node_modules'), join(copy.path, 'node_modules'));
  copy.run('npm', ['run', 'prebuild']);
  const { stdout } = copy.run('npm', ['pack', '--json', '--silent']);
  const [packed] = JSON.parse(stdout) as [
    { filename: string; unpackedSize: number; files: { path: string }[] },
  ];
  return {
    folder: copy.path,
    tarball: join(copy.path, packed.filename),
    size: packed.unpackedSize,
    files: packed.files.map(({ path }) => path),
  };
}

/** Makes a PATH with Node.js and npm, and without a compiler. */
export function pathWithoutCompiler(folder: Folder): string {
  const bin = join(folder.path, 'bin');
  mkdirSync(bin);
  for (const name of ['node', 'npm', 'sh']) symlinkSync(findCommand(name) ?? name, join(bin, name));
  return bin;
}
