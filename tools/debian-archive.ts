/** Debian's archive: packages that are downloaded and unpacked into a folder, and not installed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Downloads packages into a folder and unpacks them there, below symbolic links too. */
const UNPACK = `
  cd "$0"
  apt-get "$@"
  for package in *.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink
  done
  rm -f ./*.deb`;

function run(command: string, args: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: code ${status}: ${stderr}`);
  return stdout;
}

/**
 * apt reads the archive by a source list and state of its own in `folder`, and verifies the signature
 * of each index; the packages of this machine stay as they are.
 */
export class DebianArchive {
  readonly #options: readonly string[];

  constructor(folder: string, suites: readonly string[], architectures = ['amd64']) {
    for (const name of ['lists/partial', 'archives/partial']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    const sources = suites.map((suite) => `deb [signed-by=${KEYRING}] ${MIRROR} ${suite} main\n`);
    writeFileSync(join(folder, 'sources.list'), sources.join(''));
    writeFileSync(join(folder, 'status'), '');
    const settings = [
      `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
      'Dir::Etc::sourceparts=/dev/null',
      'Dir::Etc::preferencesparts=/dev/null',
      `Dir::State=${folder}`,
      `Dir::State::status=${join(folder, 'status')}`,
      `Dir::Cache=${folder}`,
      `APT::Architecture=${architectures[0]}`,
      ...architectures.map((architecture) => `APT::Architectures::=${architecture}`),
      'APT::Sandbox::User=root', // apt's own user cannot enter this folder
      'Acquire::Languages=none',
    ];
    this.#options = settings.flatMap((setting) => ['-o', setting]);
  }

  /** Fetches the indexes. */
  update(): void {
    run('apt-get', [...this.#options, '--error-on=any', '-q', 'update']);
  }

  /** Asks the indexes by a command of apt-cache(8), and returns its output. */
  ask(...args: string[]): string {
    return run('apt-cache', [...this.#options, ...args]);
  }

  /**
   * Unpacks packages (`name` or `name:architecture`) into `folder`, which is there once `complete` has
   * been called with what was unpacked.
   */
  unpack(names: readonly string[], folder: string, complete: (folder: string) => void): void {
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(join(unfinished, 'usr', 'lib'), { recursive: true });
    run('ln', ['-s', 'usr/lib', join(unfinished, 'lib')]); // packages use either name
    run('sh', ['-euc', UNPACK, unfinished, ...this.#options, '-q', 'download', ...names]);
    complete(unfinished);
    renameSync(unfinished, folder);
  }
}
