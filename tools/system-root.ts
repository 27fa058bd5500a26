/** The libraries of an old Debian for each processor, to compile against and to emulate with. */
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { DebianArchive } from './debian-archive';

const CACHE = join(__dirname, '..', 'node_modules', '.cache', 'mptcp-prebuild');
const SUITE = 'bullseye';

/** What a compiler needs, and the libraries of Node.js itself. */
const PACKAGES = [
  ...['libc6', 'libc6-dev', 'linux-libc-dev'],
  ...['libgcc-10-dev', 'libgcc-s1', 'libstdc++-10-dev', 'libstdc++6'],
];

/** The names that Debian and the compiler have for the processors that Node.js calls so. */
export const PROCESSORS = {
  x64: { debian: 'amd64', triple: 'x86_64-linux-gnu' },
  arm64: { debian: 'arm64', triple: 'aarch64-linux-gnu' },
} as const;

export type Processor = keyof typeof PROCESSORS;

/**
 * What makes libstdc++ wait by pthread_cond_clockwait(), which glibc has from 2.30 on. Without it, a
 * condition variable waits by the system's clock and checks the steady one afterwards.
 */
const CLOCKWAIT = /^#define _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT 1$/m;

/** Makes the absolute symbolic links below a folder relative, as if the folder were `/`. */
function makeLinksRelative(root: string, folder = root): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const kind = lstatSync(path);
    if (kind.isDirectory()) makeLinksRelative(root, path);
    if (!kind.isSymbolicLink()) continue;
    const target = readlinkSync(path);
    if (!target.startsWith('/')) continue;
    rmSync(path);
    symlinkSync(relative(dirname(path), join(root, target)), path);
  }
}

/** Returns the folder that stands for `/` on a processor, and fetches its files the first time. */
export function systemRoot(processor: Processor): string {
  const { debian, triple } = PROCESSORS[processor];
  const folder = join(CACHE, `${SUITE}-${debian}`);
  if (existsSync(folder)) return folder;
  const architectures = Object.values(PROCESSORS).map(({ debian }) => debian);
  const archive = new DebianArchive(join(CACHE, 'apt'), [SUITE], architectures);
  archive.update();
  archive.unpack(
    PACKAGES.map((name) => `${name}:${debian}`),
    folder,
    (unpacked) => {
      makeLinksRelative(unpacked);
      const config = join(unpacked, 'usr', 'include', triple, 'c++', '10', 'bits', 'c++config.h');
      writeFileSync(config, readFileSync(config, 'utf8').replace(CLOCKWAIT, ''));
    },
  );
  return folder;
}
