/**
 * Tests that an app which is bundled as docs/bundlers.md says speaks MPTCP, and that one which is
 * bundled with the package speaks TCP and is warned why.
 */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../lab/jest';
import { Folder, ROOT } from './temporary-folder';

const APP = `
import { capabilities, connectionOf } from 'mptcp';
import net from 'mptcp/net';
const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1', () => {
  const socket = net.connect(server.address().port, '127.0.0.1', async () => {
    const { reason } = await capabilities();
    console.log(JSON.stringify({ status: connectionOf(socket).status, reason: reason?.message }));
    socket.resume();
    server.close();
  });
});
`;

const page = readFileSync(join(ROOT, 'docs', 'bundlers.md'), 'utf8');

/** The first code block under a heading of the page. */
function documented(heading: string): string {
  const section = page.slice(page.indexOf(`\n## ${heading}\n`));
  return /```\w+\n(.*?)```/s.exec(section)?.[1]?.trim() ?? '';
}

const BIN = join(ROOT, 'node_modules', '.bin');
const PATH = `${BIN}:${process.env.PATH ?? ''}`;
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const WEBPACK = `
  const done = (error, stats) => {
    if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
  };
  require('webpack')(require(process.cwd() + '/webpack.config.cjs'), done);`;

let app: Folder;
beforeEach(() => {
  app = new Folder();
  app.write('app.mjs', APP);
  mkdirSync(join(app.path, 'node_modules'));
  symlinkSync(ROOT, join(app.path, 'node_modules', 'mptcp'));
});
afterEach(() => app[Symbol.dispose]());

const shell = (line: string): void => void app.run('sh', ['-c', line], { env: { PATH } });

/** Builds an app by a configuration file. */
const BUILDS = {
  webpack(config: string): void {
    app.write('webpack.config.cjs', config);
    app.link('webpack');
    app.run(process.execPath, ['-e', WEBPACK]);
  },
  Rollup(config: string): void {
    app.write('rollup.config.mjs', config);
    for (const name of ['commonjs', 'node-resolve']) app.link(`@rollup/plugin-${name}`);
    shell('rollup --config --silent');
  },
};

interface Run {
  status: string;
  reason?: string;
  stderr: string;
}

function run(command: string, ...args: string[]): Run {
  const { stdout, stderr } = app.run(command, args);
  return { ...(JSON.parse(stdout) as Run), stderr };
}

/** Builds a single executable of out/app.cjs beside node_modules, and runs it. */
function runAsExecutable(): Run {
  const config = { main: 'out/app.cjs', output: 'app.blob', disableExperimentalSEAWarning: true };
  app.write('sea.json', JSON.stringify(config));
  app.run(process.execPath, ['--experimental-sea-config', 'sea.json']);
  const executable = join(app.path, 'app');
  copyFileSync(process.execPath, executable);
  shell(`postject app NODE_SEA_BLOB app.blob --sentinel-fuse ${FUSE}`);
  return run(executable);
}

const WITHOUT_EXTERNALS = {
  esbuild: documented('esbuild').replace('--external:mptcp', ''),
  webpack: documented('webpack').replace(/ +externals: .*/, ''),
  Rollup: documented('Rollup').replace(/ +external: .*/, ''),
  ncc: documented('ncc').replaceAll(/--external \S+/g, ''),
};

function expectTcp({ status, reason, stderr }: Run): void {
  expect(status).toBe('fallback');
  expect(reason).toMatch(/a bundler .*Mark 'mptcp' as external: see docs\/bundlers\.md/);
  expect(stderr.match(/MPTCP_UNAVAILABLE/g)).toHaveLength(1);
  expect(stderr).toMatch(/Mark 'mptcp' as external/);
}

describeWith('bundled as docs/bundlers.md says, an app speaks MPTCP', ['mptcp'], () => {
  const expected = { status: 'mptcp', stderr: '' };

  test('esbuild', () => {
    shell(documented('esbuild'));
    expect(run(process.execPath, 'out/app.cjs')).toEqual(expected);
    shell(`${documented('esbuild').replace('.cjs', '.mjs')} --format=esm`);
    expect(run(process.execPath, 'out/app.mjs')).toEqual(expected);
  });

  test('webpack', () => {
    BUILDS.webpack(documented('webpack'));
    expect(run(process.execPath, 'out/app.cjs')).toEqual(expected);
  });

  test('Rollup', () => {
    BUILDS.Rollup(documented('Rollup'));
    expect(run(process.execPath, 'out/app.mjs')).toEqual(expected);
  });

  test('ncc', () => {
    shell(documented('ncc'));
    expect(run(process.execPath, 'out/index.mjs')).toEqual(expected);
  });

  test('a single executable', () => {
    shell(documented('Single-executable applications'));
    expect(runAsExecutable()).toEqual(expected);
  });
});

describe('bundled with the package, an app speaks TCP and is warned', () => {
  test('esbuild', () => {
    shell(WITHOUT_EXTERNALS.esbuild);
    expectTcp(run(process.execPath, 'out/app.cjs'));
  });

  test('webpack', () => {
    BUILDS.webpack(WITHOUT_EXTERNALS.webpack);
    expectTcp(run(process.execPath, 'out/app.cjs'));
  });

  test.each(['es', 'cjs'])('Rollup, format %s', (format) => {
    const file = format === 'es' ? 'out/app.mjs' : 'out/app.cjs';
    const output = `output: { file: '${file}', format: '${format}', inlineDynamicImports: true }`;
    BUILDS.Rollup(WITHOUT_EXTERNALS.Rollup.replace(/output: \{.*\}/, output));
    expectTcp(run(process.execPath, file));
  });

  test('ncc', () => {
    shell(WITHOUT_EXTERNALS.ncc);
    expectTcp(run(process.execPath, 'out/index.mjs'));
  });

  test('a single executable', () => {
    shell(WITHOUT_EXTERNALS.esbuild);
    expectTcp(runAsExecutable());
  });
});
