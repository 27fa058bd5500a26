'use strict';

// npm run demo: installs and builds what is missing or stale, and starts the demo with the privilege to
// create network namespaces where possible. It depends on nothing but Node.js.
const { spawn } = require('node:child_process');
const os = require('node:os');
const { join } = require('node:path');
const buildWhatIsStale = require('../../test/setup/build.cjs');

const ROOT = join(__dirname, '..', '..');
const ROOTLESS = join('test', 'lab', 'rootless.sh');
const DEMO = join('out', 'demo', 'examples', 'demo', 'main.js');

function setUp() {
  const { build } = buildWhatIsStale;
  const manifest = ['package.json', 'package-lock.json'];
  build(['install'], 'node_modules/.package-lock.json', manifest);
  buildWhatIsStale();
  build(['run', 'build:demo'], DEMO, ['examples/demo', 'test/lab', 'tsconfig.json', 'dist']);
}

function start() {
  const demo = spawn('sh', [ROOTLESS, process.execPath, DEMO, ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  // The demo cleans up and ends. A signal that the terminal sent it too does no harm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => demo.kill(signal));
  demo.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + os.constants.signals[signal];
  });
}

try {
  setUp();
  start();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
