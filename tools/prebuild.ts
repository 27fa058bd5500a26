/**
 * `npm run prebuild [-- x64 arm64]`: compiles the addon for each processor into prebuilds/, so that it
 * runs on old distributions: against the C library of Debian 11, of which no newer symbols are used,
 * and with libstdc++ inside.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Processor, PROCESSORS, systemRoot } from './system-root';

const ROOT = join(__dirname, '..');
/** libstdc++ inside, of which only what is used stays and nothing is visible to Node.js' own. */
const LINK = [
  ...['-fuse-ld=lld', '-static-libstdc++', '-static-libgcc'],
  ...['-Wl,--exclude-libs,ALL', '-Wl,--gc-sections'],
];
const SOURCES = ['package.json', 'binding.gyp', 'native'];

/** The environment in which node-gyp compiles for a processor. */
function environment(processor: Processor): NodeJS.ProcessEnv {
  const flags = `--target=${PROCESSORS[processor].triple} --sysroot=${systemRoot(processor)}`;
  // The headers that came with this Node, where they did: node-gyp would download them.
  const node = join(process.execPath, '..', '..');
  const hasHeaders = existsSync(join(node, 'include', 'node', 'node_api.h'));
  return {
    ...process.env,
    JOBS: 'max', // for make
    CC: `clang ${flags}`,
    CXX: `clang++ ${flags}`,
    LDFLAGS: LINK.join(' '),
    PREBUILD_STRIP_BIN: 'llvm-strip',
    ...(hasHeaders && { npm_config_nodedir: node }),
  };
}

/** Compiles for one processor in a copy of the sources, so that build/ keeps what it has. */
function prebuild(processor: Processor): void {
  const env = environment(processor);
  const copy = mkdtempSync(join(tmpdir(), `mptcp-${process.pid}-`));
  try {
    for (const name of SOURCES) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    mkdirSync(join(ROOT, 'prebuilds'), { recursive: true });
    const { error, status } = spawnSync(
      join(ROOT, 'node_modules', '.bin', 'prebuildify'),
      [
        ...['--napi', '--strip', '--tag-libc', '--platform=linux', `--arch=${processor}`],
        ...[`--cwd=${copy}`, `--out=${ROOT}`],
      ],
      { cwd: copy, env, stdio: 'inherit' },
    );
    if (error) throw error;
    if (status !== 0) throw new Error(`prebuildify ended with code ${status}, see above`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const processors = Object.keys(PROCESSORS) as Processor[];
const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in PROCESSORS));
if (unknown !== undefined) {
  console.error(`There is no prebuilt addon for '${unknown}'; there are ${processors.join(', ')}.`);
  process.exitCode = 2;
} else {
  for (const processor of chosen.length === 0 ? processors : (chosen as Processor[]))
    prebuild(processor);
}
