/**
 * Tests that `import http from 'mptcp/http'` works where it compiles to CommonJS, by each of the
 * compilers that apps use, and so do the other forms of import.
 */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { Folder, ROOT } from './temporary-folder';

const DOORS = ['net', 'tls', 'http', 'https', 'http2'];
const TYPES = `
import { connectionOf } from 'mptcp';
import { ClientRequest } from 'mptcp/http';
import 'mptcp/register';
import { connector } from 'mptcp/undici';
export type Used = [ClientRequest, http.Agent, net.Socket, tls.TLSSocket];
export type Entries = [typeof connectionOf, typeof connector];
tls.DEFAULT_MIN_VERSION = 'TLSv1.3';
`;
const PROGRAM = `
import * as everything from 'mptcp/net';
import { connect, isIP } from 'mptcp/net';
${DOORS.map((name) => `import ${name} from 'mptcp/${name}';`).join('\n')}
const found = [net.connect, tls.connect, http.request, https.request, http2.connect, isIP];
if (everything.connect !== connect || net.connect !== connect) throw new Error('not the same');
export const kinds = found.map((each) => typeof each).join();
`;
const EXPECTED = Array(6).fill('function').join();
const PRINT = 'console.log(kinds);\n';

const tool = (...path: string[]): string => join(ROOT, 'node_modules', ...path);

let app: Folder;
beforeEach(() => {
  app = new Folder();
  app.write('package.json', '{ "private": true }');
  mkdirSync(join(app.path, 'node_modules'));
  symlinkSync(ROOT, join(app.path, 'node_modules', 'mptcp'));
  app.link('@types/node');
  app.link('undici-types');
});
afterEach(() => app[Symbol.dispose]());

/** Expects that a program in the app's folder prints what all modules export. */
function expectExports(args: readonly string[]): void {
  expect(app.run(process.execPath, args).stdout.trim()).toBe(EXPECTED);
}

const NODE10 = ['--module', 'commonjs', '--moduleResolution', 'node10'];

test.each([
  ['with esModuleInterop', ['--module', 'node16', '--esModuleInterop', 'true']],
  ['without esModuleInterop', ['--module', 'node16', '--esModuleInterop', 'false']],
  ['moduleResolution node10', [...NODE10, '--esModuleInterop', 'true']],
  ['moduleResolution node10 without esModuleInterop', [...NODE10, '--esModuleInterop', 'false']],
])('tsc, %s', (_name, module) => {
  app.write('app.ts', PROGRAM + TYPES + PRINT);
  const options = ['--strict', '--target', 'es2022', '--types', 'node'];
  const old = ['--ignoreDeprecations', '6.0'];
  app.run(process.execPath, [tool('typescript/bin/tsc'), ...options, ...module, ...old, 'app.ts']);
  expectExports(['app.js']);
});

test('tsx', () => {
  app.write('app.ts', PROGRAM + PRINT);
  expectExports([tool('tsx/dist/cli.mjs'), 'app.ts']);
});

test('SWC', () => {
  const { code } = transformSync(PROGRAM + PRINT, {
    filename: 'app.ts',
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  app.write('app.js', code);
  expectExports(['app.js']);
});

test('ts-jest', () => {
  app.write('app.ts', PROGRAM);
  app.write(
    'app.test.ts',
    `import { kinds } from './app';\ntest('exports', () => expect(kinds).toBe('${EXPECTED}'));\n`,
  );
  const compilerOptions = { module: 'commonjs', target: 'es2022', esModuleInterop: true };
  app.write(
    'jest.config.json',
    JSON.stringify({
      transform: {
        '\\.ts$': [tool('ts-jest'), { tsconfig: compilerOptions, diagnostics: false }],
      },
    }),
  );
  app.run(process.execPath, [tool('jest/bin/jest.js'), '--rootDir', app.path]);
});

test('require() of plain CommonJS', () => {
  app.write(
    'app.js',
    `const { isIP } = require('mptcp/net');
    ${DOORS.map((name) => `const ${name} = require('mptcp/${name}');`).join('\n')}
    const found = [net.connect, tls.connect, http.request, https.request, http2.connect, isIP];
    const kinds = found.map((each) => typeof each).join();
    ${PRINT}`,
  );
  expectExports(['app.js']);
});
