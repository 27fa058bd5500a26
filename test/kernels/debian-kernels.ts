/** Debian's kernels for virtual machines: which there are, and their files, without installing them. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lab/namespace';

const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SUITES = ['bookworm', 'trixie', 'trixie-backports'] as const;
const FLAVOUR = 'cloud-amd64';

/** The packages of a kernel, of which early releases have the first alone. */
const PARTS = ['image', 'base', 'binary', 'modules'] as const;

/** Downloads packages into a folder and unpacks them there, below symbolic links too. */
const UNPACK = `
  cd "$0"
  apt-get "$@"
  for package in *.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink
  done
  rm -f ./*.deb`;

/** A kernel on disk. */
export interface Kernel {
  /** What `uname -r` prints in it, such as '6.1.0-50-cloud-amd64'. */
  release: string;
  /** Debian's version of the package, such as '6.1.176-1'. */
  version: string;
  /** The path of the bootable image. */
  image: string;
  /** The folder that is /lib/modules/RELEASE. */
  modules: string;
  /** The folder below which `modules` is, for modprobe. */
  root: string;
}

const numbers = (release: string): number[] => (release.match(/\d+/g) ?? []).map(Number);

function byAge(left: string, right: string): number {
  const [a, b] = [numbers(left), numbers(right)];
  const index = a.findIndex((number, at) => number !== b[at]);
  return index < 0 ? 0 : a[index]! - (b[index] ?? 0);
}

/** The newest release that is `kernel`: '6.1', '6.12.117', or 'newest'. */
export function chooseRelease(kernel: string, releases: readonly string[]): string | undefined {
  const matching = releases.filter(
    (release) =>
      kernel === 'newest' ||
      release === kernel ||
      (/^[.+-]/.test(release.slice(kernel.length)) && release.startsWith(kernel)),
  );
  return matching.sort(byAge).at(-1);
}

/**
 * Debian's archive. apt reads it by a source list and state of its own in `folder`, and verifies the
 * signature of each index; the machine's packages stay as they are.
 */
export class DebianKernels {
  readonly #folder: string;
  readonly #options: readonly string[];

  constructor(folder: string) {
    this.#folder = folder;
    const apt = join(folder, 'apt');
    for (const name of ['lists/partial', 'archives/partial']) {
      mkdirSync(join(apt, name), { recursive: true });
    }
    const sources = SUITES.map((suite) => `deb [signed-by=${KEYRING}] ${MIRROR} ${suite} main\n`);
    writeFileSync(join(apt, 'sources.list'), sources.join(''));
    writeFileSync(join(apt, 'status'), '');
    const settings = {
      'Dir::Etc::sourcelist': join(apt, 'sources.list'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::Etc::preferencesparts': '/dev/null',
      'Dir::State': apt,
      'Dir::State::status': join(apt, 'status'),
      'Dir::Cache': apt,
      'APT::Architecture': 'amd64',
      'APT::Sandbox::User': 'root', // apt's own user cannot enter this folder
      'Acquire::Languages': 'none',
    };
    this.#options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  /** Fetches the indexes. */
  update(): void {
    run('apt-get', [...this.#options, '--error-on=any', '-q', 'update']);
  }

  /** The releases of which the archive has the image, in no order. */
  releases(): string[] {
    const packages = this.#cache('search', '--names-only', `^linux-image-[0-9].*-${FLAVOUR}$`);
    return Array.from(packages.matchAll(/^linux-image-(\S+)/gm), ([, release]) => release!);
  }

  /** Downloads a kernel, unless this was done before. */
  fetch(release: string): Kernel {
    const root = join(this.#folder, release);
    const version = /^Version: (.*)$/m.exec(
      this.#cache('show', '--no-all-versions', `linux-image-${release}`),
    )![1]!;
    if (!existsSync(root)) this.#extract(release, root);
    const modules = join(root, 'lib', 'modules', release);
    return {
      release,
      version,
      root,
      modules,
      image: [join(root, 'boot', `vmlinuz-${release}`), join(modules, 'vmlinuz')].find(existsSync)!,
    };
  }

  #cache(...args: string[]): string {
    return run('apt-cache', [...this.#options, ...args]);
  }

  #extract(release: string, root: string): void {
    const unfinished = `${root}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(join(unfinished, 'usr', 'lib'), { recursive: true });
    run('ln', ['-s', 'usr/lib', join(unfinished, 'lib')]); // packages use either name
    const known = new Set(this.#cache('pkgnames', 'linux-').split('\n'));
    const names = PARTS.map((part) => `linux-${part}-${release}`).filter((name) => known.has(name));
    run('sh', ['-euc', UNPACK, unfinished, ...this.#options, '-q', 'download', ...names]);
    run('depmod', ['-b', unfinished, release]);
    renameSync(unfinished, root);
  }
}
