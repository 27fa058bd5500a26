import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['build/', 'coverage/', 'dist/', 'out/', 'prebuilds/']),
  {
    // Policies are pure: a recorded log of events is replayed against them.
    files: ['lib/policy/*.ts', 'lib/policy/{engine,policies}/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', 'Date', 'performance', 'process', 'setTimeout'] },
  },
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
    files: ['test/**/*.ts', 'bench/**/*.ts'],
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
    '/^(?:_getServer|_handle|_linkedBinding|_listen2|_parent|internalMessage|onconnection|owner_symbol)$/';
  return {
    [`Identifier[name=${names}]`]: report,
    [`Literal[value=${names}]`]: report,
    'MemberExpression[property.name="binding"]:has(Identifier[name="process"])': report,
    'MemberExpression[property.name="prototype"][object.name!="Object"]': report,
    'Property[key.name="prototype"]': report,
  };
}
