'use strict';

/** Makes each folder of test/ a project, as in `npx jest --selectProjects unit`. */
const project = (name, ...more) => ({
  displayName: name,
  testEnvironment: 'node',
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`, ...more],
  transform: { '\\.ts$': 'ts-jest' },
  moduleNameMapper: {
    '^mptcp$': '<rootDir>/lib/index.ts',
    '^mptcp/([^/]+)$': '<rootDir>/lib/$1.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/(build|dist|out)/'],
});

/** @type {import('jest').Config} */
module.exports = {
  // Kernel and ecosystem tests share the machine's cores with the hosts that they emulate.
  maxWorkers: 1,
  globalSetup: '<rootDir>/test/setup/build.cjs',
  verbose: true, // names the skipped tests
  testTimeout: 120_000,
  projects: [
    project('unit'),
    { ...project('node'), globalSetup: '<rootDir>/test/node/nodes.ts' },
    project('kernel', '<rootDir>/test/lab/*.test.ts'),
    project('ecosystem'),
    project('packaging'),
  ],
};
