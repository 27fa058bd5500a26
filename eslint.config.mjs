import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Clocks, timers, input and output, and the ways around the names of these. */
const IMPURE_GLOBALS = [
  'Atomics',
  'BroadcastChannel',
  'Date',
  'EventSource',
  'MessageChannel',
  'WebSocket',
  'console',
  'crypto',
  'eval',
  'fetch',
  'global',
  'globalThis',
  'navigator',
  'performance',
  'process',
  'queueMicrotask',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
].map((name) => ({
  name,
  message: 'Policies and engine are pure: all they know is given to them.',
}));

const IMPURE_SYNTAX = [
  { selector: 'AwaitExpression', message: 'A policy decides at once.' },
  { selector: 'ImportExpression', message: 'Policies and engine import nothing at run time.' },
  {
    selector: ':matches(Program, ExportNamedDeclaration) > VariableDeclaration[kind!="const"]',
    message: 'Policies and engine have no memory beside the view.',
  },
];

/** What of Node's modules is pure; .dependency-cruiser.cjs forbids all others. */
const PURE_IMPORTS = [
  { name: 'node:net', allowImportNames: ['BlockList'] },
  { name: 'node:util', allowImportNames: ['isDeepStrictEqual'] },
];

export default defineConfig(
  globalIgnores(['build/', 'coverage/', 'dist/', 'out/', 'prebuilds/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // What is not needed at start is loaded by require(): see lib/base/lazy.ts.
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-require-imports': ['error', { allow: ['^\\.{1,2}/'] }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    // A recorded log is replayed against policies and engine: the same events, the same actions.
    files: ['lib/policy/*.ts', 'lib/policy/{engine,policies}/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
      'no-restricted-syntax': ['error', ...IMPURE_SYNTAX],
      'no-restricted-imports': ['error', { paths: PURE_IMPORTS }],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['lib/**/*.{ts,mts}'],
    ignores: ['lib/sockets/node/**'],
    plugins: { mptcp: { rules: { 'no-node-internals': { create: forbidNodeInternals } } } },
    rules: { 'mptcp/no-node-internals': 'error' },
  },
);

/** Forbids Node's private names, and access to the prototypes of its classes. */
function forbidNodeInternals(context) {
  const report = (node) =>
    context.report({ node, message: 'Only lib/sockets/node touches the internals of Node.' });
  const names =
    '/^(?:_createServerHandle|_getServer|_handle|_linkedBinding|_listen2|_parent|internalMessage|onconnection|owner_symbol)$/';
  return {
    [`Identifier[name=${names}]`]: report,
    [`Literal[value=${names}]`]: report,
    'MemberExpression[property.name="binding"]:has(Identifier[name="process"])': report,
    'MemberExpression[property.name="prototype"][object.name!="Object"]': report,
    'Property[key.name="prototype"]': report,
  };
}
