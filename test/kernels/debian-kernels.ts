/** Debian's kernels for virtual machines: which there are, and their files, without installing them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DebianArchive } from '../../tools/debian-archive';
import { run } from '../lab/namespace';

const SUITES = ['bookworm', 'trixie', 'trixie-backports'] as const;
const FLAVOUR = 'cloud-amd64';

/** The packages of a kernel, of which early releases have the first alone. */
const PARTS = ['image', 'base', 'binary', 'modules'] as const;

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

/** The kernels of Debian's archive, which are unpacked below a folder. */
export class DebianKernels {
  readonly #folder: string;
  readonly #archive: DebianArchive;

  constructor(folder: string) {
    this.#folder = folder;
    this.#archive = new DebianArchive(join(folder, 'apt'), SUITES);
  }

  /** Fetches the indexes. */
  update(): void {
    this.#archive.update();
  }

  /** The releases of which the archive has the image, in no order. */
  releases(): string[] {
    const packages = this.#archive.ask(
      'search',
      '--names-only',
      `^linux-image-[0-9].*-${FLAVOUR}$`,
    );
    return Array.from(packages.matchAll(/^linux-image-(\S+)/gm), ([, release]) => release!);
  }

  /** Downloads a kernel, unless this was done before. */
  fetch(release: string): Kernel {
    const root = join(this.#folder, release);
    const version = /^Version: (.*)$/m.exec(
      this.#archive.ask('show', '--no-all-versions', `linux-image-${release}`),
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

  #extract(release: string, root: string): void {
    const known = new Set(this.#archive.ask('pkgnames', 'linux-').split('\n'));
    const names = PARTS.map((part) => `linux-${part}-${release}`).filter((name) => known.has(name));
    this.#archive.unpack(names, root, (unpacked) => run('depmod', ['-b', unpacked, release]));
  }
}
