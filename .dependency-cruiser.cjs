'use strict';

/**
 * The layers of lib/, from the top down: a folder imports only what stands below it, and types count
 * as imports. docs/architecture.md says what each of them is for.
 */
const layers = [
  ['cli'],
  ['doctor'],
  ['drop-in'],
  ['intents'],
  ['path-manager'],
  ['policy'],
  ['connection'],
  ['sockets'],
  ['hints'],
  ['userspace'],
  ['endpoints'],
  ['interfaces', 'events'],
  ['kernel'],
  ['base'],
];

const inFolders = (folders) => `^lib/(?:${folders.join('|')})/`;
const DOORS = '^lib/[^/]+\\.m?ts$';
const TEXT = '^lib/base/suggestion\\.ts$'; // it compares words, and knows nothing of this package

const upwards = layers.flatMap((layer, i) => {
  const above = layers.slice(0, i).flat();
  return layer.map((folder) => ({
    name: `${folder}-imports-only-what-is-below-it`,
    severity: 'error',
    from: { path: inFolders([folder]) },
    to: {
      path: inFolders([...above, ...layer.filter((other) => other !== folder)]),
    },
  }));
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...upwards,
    {
      name: 'no-circle',
      comment: 'Two files that need each other are one file, or want a third one below both.',
      severity: 'error',
      from: { pathNot: DOORS }, // each of the drop-in modules exports itself as its default
      to: { circular: true },
    },
    {
      name: 'nobody-imports-a-door',
      comment: 'The files beside the folders are the entries of package.json "exports".',
      severity: 'error',
      from: { path: '^lib/(.+)', pathNot: ['\\.mts$', inFolders(['cli'])] },
      to: { path: DOORS, pathNot: '^lib/$1$' },
    },
    {
      name: 'cli-stands-on-the-doors-alone',
      comment: 'What a command needs and the public API lacks is added to the public API.',
      severity: 'error',
      from: { path: inFolders(['cli']) },
      to: { path: '^(?:lib|types)/', pathNot: [inFolders(['cli']), DOORS, TEXT] },
    },
    {
      name: 'no-door-imports-the-cli',
      comment: 'An app that uses sockets loads nothing of the command line.',
      severity: 'error',
      from: { path: DOORS },
      to: { path: inFolders(['cli']) },
    },
    {
      name: 'every-folder-has-a-layer',
      severity: 'error',
      from: { path: '^lib/', pathNot: [DOORS, inFolders(layers.flat())] },
      to: {},
    },
    {
      name: 'only-kernel-loads-the-addon',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/kernel/addon\\.ts$' },
      to: { path: ['node_modules/node-gyp-build', '\\.node$'] },
    },
    {
      name: 'policies-and-engine-are-pure',
      comment: 'A recorded log is replayed against them: they get all that they know as arguments.',
      severity: 'error',
      from: { path: ['^lib/policy/(?:policies|engine)/', '^lib/policy/[^/]+\\.ts$'] },
      to: {
        path: '^(?:lib|types)/',
        pathNot: [
          '^lib/policy/(?:(?:policies|engine)/|[^/]+\\.ts$)',
          '^lib/base/(?:addresses|arguments|errors)\\.ts$',
          '^lib/interfaces/interface\\.ts$',
          '^lib/kernel/constants\\.ts$',
        ],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'policies-and-engine-do-no-input-or-output',
      severity: 'error',
      from: { path: ['^lib/policy/(?:policies|engine)/', '^lib/policy/[^/]+\\.ts$'] },
      to: {
        dependencyTypes: ['core'],
        dependencyTypesNot: ['type-only'],
        pathNot: '^(?:node:)?(?:net|util)$',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mts', '.js', '.d.ts', '.node'] },
  },
};
