/**
 * Tests that lint holds the structure of lib/: in a temporary copy with one planted violation for
 * each rule, dependency-cruiser and eslint report each of them, and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const COPIED = [
  ...['lib', 'types', 'package.json', 'tsconfig.json'],
  ...['.dependency-cruiser.cjs', 'eslint.config.mjs'],
];

/** Planted files by path, each with the rule of dependency-cruiser that it violates. */
const DEPENDENCIES: Record<string, readonly [violation: string, rule: string, code: string]> = {
  'lib/kernel/planted-type.ts': [
    'a type import upwards',
    'kernel-imports-only-what-is-below-it',
    "export type { PathManager } from '../path-manager/path-manager';",
  ],
  'lib/connection/planted-require.ts': [
    'a lazy require() upwards',
    'connection-imports-only-what-is-below-it',
    "export const load = (): unknown => require('../policy/policies');",
  ],
  'lib/events/planted.ts': [
    'an import of a folder in the same layer',
    'events-imports-only-what-is-below-it',
    "export * from '../interfaces/interface';",
  ],
  'lib/base/planted-a.ts': [
    'a circle',
    'no-circle',
    "import { b } from './planted-b';\nexport const a = (): number => b();",
  ],
  'lib/base/planted-c.ts': [
    'a circle of types',
    'no-circle',
    "import type { D } from './planted-d';\nexport interface C {\n  d: D;\n}",
  ],
  'lib/sockets/planted-door.ts': [
    'an import of a door',
    'nobody-imports-a-door',
    "export * from '../register';",
  ],
  'lib/cli/planted-layer.ts': [
    'a command that uses what is behind a door',
    'cli-stands-on-the-doors-alone',
    "export * from '../endpoints/limits';",
  ],
  'lib/planted-door.ts': [
    'a door that loads the command line',
    'no-door-imports-the-cli',
    "export const load = (): unknown => require('./cli/failure');",
  ],
  'lib/planted/planted.ts': [
    'a folder without a layer',
    'every-folder-has-a-layer',
    "export * from '../base/errors';",
  ],
  'lib/sockets/planted-addon.ts': [
    'loading the addon outside lib/kernel/addon.ts',
    'only-kernel-loads-the-addon',
    "export const load = (): unknown => require('node-gyp-build');",
  ],
  'lib/policy/policies/planted-kernel.ts': [
    'a policy that uses the kernel',
    'policies-and-engine-are-pure',
    "import { loadNative } from '../../kernel/addon';\nexport const native = loadNative();",
  ],
  'lib/policy/engine/planted-io.ts': [
    'an engine that does input and output',
    'policies-and-engine-do-no-input-or-output',
    "import { readFileSync } from 'node:fs';\nexport const text = readFileSync('/proc/uptime');",
  ],
};

/** Planted files that close the circles; a circle is reported for one of its files. */
const OTHER_HALVES: Record<string, [half: string, code: string]> = {
  'lib/base/planted-a.ts': [
    'lib/base/planted-b.ts',
    "import { a } from './planted-a';\nexport const b = (): number => a();",
  ],
  'lib/base/planted-c.ts': [
    'lib/base/planted-d.ts',
    "import type { C } from './planted-c';\nexport interface D {\n  c: C;\n}",
  ],
};
const planted = (path: string): readonly string[] => [
  path,
  ...(OTHER_HALVES[path]?.slice(0, 1) ?? []),
];

const NODE_INTERNALS: [violation: string, code: string][] = [
  ['_handle', 'export const of = (socket: { _handle: unknown }): unknown => socket._handle;'],
  [
    'a string of _parent',
    "export const of = (h: Record<string, unknown>): unknown => h['_parent'];",
  ],
  ['_listen2', 'export const of = (s: { _listen2(): void }): void => s._listen2();'],
  [
    '_getServer',
    'export const of = ({ _getServer }: Record<string, unknown>): unknown => _getServer;',
  ],
  [
    'onconnection',
    'export const of = (h: { onconnection?: () => void }): void => h.onconnection?.();',
  ],
  ['owner_symbol', "export const is = (s: symbol): boolean => s.description === 'owner_symbol';"],
  ['internalMessage', "process.on('internalMessage' as 'message', () => undefined);"],
  ['process.binding', "export const { TCP } = (process as never).binding('tcp_wrap');"],
  [
    'a replaced method of net.Socket',
    "import net from 'node:net';\nnet.Socket.prototype.connect = () => new net.Socket();",
  ],
  [
    'a replaced method of net.Server by an alias',
    "import { Server } from 'node:net';\nconst { prototype } = Server;\nObject.assign(prototype, { listen: 0 });",
  ],
];
const internalsFile = (index: number, folder: string): string =>
  `lib/${folder}/planted-internals-${index}.ts`;

const IMPURE = 'lib/policy/policies/planted-clock.ts';
const CLOCK = 'export const now = (): number => Date.now();';
const MANAGE = 'lib/policy/manage/planted-clock.ts';

interface Violation {
  from: string;
  rule: { name: string };
}

interface LintResult {
  filePath: string;
  messages: { ruleId: string | null; message: string }[];
}

describe('lint', () => {
  let folder: string;
  let violations: Violation[];
  /** The rules that eslint reports for each planted file. */
  const rules = new Map<string, (string | null)[]>();

  const plant = (path: string, code: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${code}\n`);
  };

  /** Runs a tool on the copy, and returns its report in JSON. */
  function run(tool: string, args: string[]): unknown {
    const command = join(ROOT, 'node_modules', '.bin', tool);
    const options = { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 } as const;
    const { stdout, stderr } = spawnSync(process.execPath, [command, ...args], options);
    if (stdout === '') throw new Error(`${tool}: ${stderr}`);
    return JSON.parse(stdout);
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mptcp-structure-'));
    for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [path, [, , code]] of Object.entries(DEPENDENCIES)) plant(path, code);
    for (const [path, code] of Object.values(OTHER_HALVES)) plant(path, code);
    const report = run('depcruise', ['lib', 'types', '--output-type', 'json']);
    violations = (report as { summary: { violations: Violation[] } }).summary.violations;

    const linted = [IMPURE, MANAGE];
    plant(IMPURE, CLOCK);
    plant(MANAGE, CLOCK);
    for (const [index, [, code]] of NODE_INTERNALS.entries()) {
      for (const place of ['base', 'sockets/node']) {
        linted.push(internalsFile(index, place));
        plant(internalsFile(index, place), code);
      }
    }
    for (const { filePath, messages } of run('eslint', ['-f', 'json', ...linted]) as LintResult[]) {
      const ids = messages.map(({ ruleId, message }) => ruleId ?? message);
      rules.set(relative(folder, filePath), ids);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(
    Object.entries(DEPENDENCIES).map(([path, [violation, rule]]) => [violation, rule, path]),
  )('reports %s by the rule %s', (_violation, rule, path) => {
    const reported = violations.filter(({ from }) => planted(path).includes(from));
    expect(reported.map(({ rule: { name } }) => name)).toContain(rule);
  });

  test('reports no dependency but the planted ones', () => {
    const all = Object.keys(DEPENDENCIES).flatMap(planted);
    expect(violations.filter(({ from }) => !all.includes(from))).toEqual([]);
  });

  test.each(NODE_INTERNALS.map(([violation], index) => [violation, index] as const))(
    'reports %s outside lib/sockets/node',
    (_violation, index) => {
      expect(rules.get(internalsFile(index, 'base'))).toContain('mptcp/no-node-internals');
      expect(rules.get(internalsFile(index, 'sockets/node'))).not.toContain(
        'mptcp/no-node-internals',
      );
    },
  );

  test('reports a clock in a policy, and allows it where policies are at work', () => {
    expect(rules.get(IMPURE)).toContain('no-restricted-globals');
    expect(rules.get(MANAGE)).toEqual([]);
  });
});
