import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Folder, pack, pathWithoutCompiler, ROOT } from './workplace';

const CONSUMER = join('test', 'packaging', 'consumer');
const ENABLED = '/proc/sys/net/mptcp/enabled';
const mptcp = existsSync(ENABLED) && readFileSync(ENABLED, 'utf8').trim() === '1';
/** A machine for which there is no prebuilt addon. */
const NO_PREBUILD = { LIBC: 'other' };

const folders: Folder[] = [];
function folder(): Folder {
  const made = new Folder();
  folders.push(made);
  return made;
}

let packed: ReturnType<typeof pack>;
beforeAll(() => (packed = pack(folder())), 600_000);
afterAll(() => folders.forEach((each) => each[Symbol.dispose]()));

/** An app with the package installed from its tarball, without the registry. */
function install(options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): {
  app: Folder;
  said: string;
} {
  const { args = [], env = {} } = options;
  const app = folder();
  app.write('package.json', '{ "private": true }');
  const dependencies = ['node-addon-api', 'node-gyp-build'].map((name) =>
    join(ROOT, 'node_modules', name),
  );
  const how = ['--offline', '--install-links', '--no-audit', '--no-fund', '--foreground-scripts'];
  const { stdout, stderr } = app.run(
    'npm',
    ['install', ...how, ...args, packed.tarball, ...dependencies],
    { env },
  );
  for (const file of ['cjs.cjs', 'esm.mjs', 'require.cjs', 'unmodified.cjs'])
    app.copy(join(CONSUMER, file), file);
  return { app, said: stdout + stderr };
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

function expectMptcp(app: Folder, env?: NodeJS.ProcessEnv): void {
  const speaks = { status: mptcp ? 'mptcp' : 'fallback', mptcp, isServer: true };
  expect(report(app, 'cjs.cjs', env)).toMatchObject(speaks);
  expect(report(app, 'esm.mjs', env)).toMatchObject(speaks);
}

/** That an app is told why it has TCP, and that nothing which requires MPTCP goes on without. */
function expectTcp(app: Folder, reason: RegExp, env: NodeJS.ProcessEnv): void {
  const speaks = { status: 'fallback', mptcp: false, isServer: true };
  for (const file of ['cjs.cjs', 'esm.mjs']) {
    const { stdout, stderr } = app.run(process.execPath, [file], { env });
    expect(JSON.parse(stdout)).toMatchObject(speaks);
    expect((JSON.parse(stdout) as Report).reason).toMatch(reason);
    expect(stderr.match(/MPTCP_UNAVAILABLE/g)).toHaveLength(1);
    expect(stderr).toMatch(reason);
  }
  const { stdout } = app.run(process.execPath, ['require.cjs'], { env });
  expect(JSON.parse(stdout)).toEqual({
    connect: 'ERR_MPTCP_UNAVAILABLE',
    listen: 'ERR_MPTCP_UNAVAILABLE',
  });
}

test('the tarball has what an app needs, and nothing else', () => {
  const kinds = [
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|install\.cjs|binding\.gyp)$/,
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
      `prebuilds/linux-${process.arch}/mptcp.glibc.node`,
    ]),
  );
  expect(packed.size).toBeLessThan(3 << 20);
});

test('the sources that it lists are all in it', () => {
  const listed = readFileSync(join(ROOT, 'native', 'sources.txt'), 'utf8')
    .trim()
    .split('\n');
  expect(packed.files).toEqual(expect.arrayContaining(listed));
});

test.each([
  ['publint', ['--strict']],
  ['attw', ['--profile', 'node16']],
])('%s finds nothing wrong', (tool, args) => {
  folder().run(join(ROOT, 'node_modules', '.bin', tool), [packed.tarball, ...args]);
});

describe('installed without a compiler', () => {
  let app: Folder;
  let path: string;
  beforeAll(() => {
    path = pathWithoutCompiler(folder());
    ({ app } = install({ env: { PATH: path } }));
  });

  test('the prebuilt addon loads, by require and by import', () =>
    expectMptcp(app, { PATH: path }));

  test.each([
    ['--import', ['--import', 'mptcp/register']],
    ['--require', ['--require', 'mptcp/register']],
  ])('%s makes an unmodified app speak MPTCP', (_name, args) => {
    const { stdout } = app.run(process.execPath, [...args, 'unmodified.cjs']);
    expect(stdout.trim()).toBe(mptcp ? 'mptcp' : 'fallback');
  });

  test('without it the same app speaks TCP', () => {
    expect(app.run(process.execPath, ['unmodified.cjs']).stdout.trim()).toBe('tcp');
  });

  test('where no prebuilt addon fits either, it says so and connections are TCP', () => {
    const { app: other, said } = install({ env: { PATH: path, ...NO_PREBUILD } });
    expect(said).toMatch(/no prebuilt addon fits this machine.*connections are TCP/);
    expectTcp(other, /npm rebuild mptcp/, NO_PREBUILD);
  });

  test('a build that was asked for must succeed', () => {
    expect(() => install({ env: { PATH: path }, args: ['--build-from-source'] })).toThrow(
      /connections are TCP/,
    );
  });
});

test('installed with --ignore-scripts, the prebuilt addon loads', () => {
  const { app } = install({ args: ['--ignore-scripts'] });
  expectMptcp(app);
});

test('where no prebuilt addon fits, it is compiled', () => {
  const { app } = install({ env: NO_PREBUILD });
  expect(existsSync(join(app.path, 'node_modules/mptcp/build/Release/mptcp.node'))).toBe(true);
  expectMptcp(app, NO_PREBUILD);
}, 600_000);

test('on another operating system it installs, and connections are TCP', () => {
  const system = folder();
  system.write('darwin.cjs', "Object.defineProperty(process, 'platform', { value: 'darwin' });\n");
  const env = { NODE_OPTIONS: `--require=${join(system.path, 'darwin.cjs')}`, ...NO_PREBUILD };
  const { app, said } = install({ env });
  expect(said).toContain('On darwin connections are TCP.');
  expect(existsSync(join(app.path, 'node_modules/mptcp/build'))).toBe(false);
  expectTcp(app, /needs Linux, and this is darwin/, env);
});

test.each([
  ['CommonJS', 'commonjs'],
  ['ES modules', 'module'],
])('TypeScript compiles an app of %s against it, without skipLibCheck', (_name, type) => {
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
