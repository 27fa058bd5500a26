'use strict';

/** Builds the addon and dist/ before tests and demo where they are older than their sources. */

const { spawnSync } = require('node:child_process');
const { readdirSync, rmSync, statSync, utimesSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..', '..');

/** The time at which a file, or the newest file below a folder, was changed; 0 where none exists. */
function changed(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  return Math.max(0, ...readdirSync(path).map((name) => changed(join(path, name))));
}

/**
 * Runs npm with these arguments when its product is older than one of the sources. Its output goes to
 * stderr, because stdout belongs to the caller's results.
 */
function build(args, product, sources) {
  const built = changed(join(ROOT, product));
  if (sources.every((source) => changed(join(ROOT, source)) < built)) return;
  console.error(`npm ${args.join(' ')}`);
  const { status } = spawnSync('npm', [...args, '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['inherit', 2, 2],
  });
  if (status !== 0) {
    rmSync(join(ROOT, product), { force: true }); // else the next run would consider it up to date
    throw new Error(`npm ${args.join(' ')} failed, see above`);
  }
  const now = new Date();
  utimesSync(join(ROOT, product), now, now); // make does not touch an unchanged product
}

/** jest's globalSetup, so that tests and the programs that they start never load a stale build. */
function buildWhatIsStale() {
  // An addon from elsewhere, such as one with sanitizers, is already built.
  if (process.platform === 'linux' && process.env.MPTCP_PREBUILD === undefined) {
    build(['run', 'build:native'], 'build/Release/mptcp.node', ['native', 'binding.gyp']);
  }
  const sources = ['lib', 'types', 'tsconfig.json', 'tsconfig.build.json'];
  build(['run', 'build:ts'], 'dist/index.js', sources);
}

module.exports = buildWhatIsStale;
module.exports.build = build;
