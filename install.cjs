'use strict';

/**
 * npm's install script. On Linux it selects the prebuilt addon or compiles it. It never fails the
 * installation of an app: without an addon connections are TCP, as is said here and at run time.
 */
const { spawnSync } = require('node:child_process');

if (process.platform !== 'linux') {
  console.log(`mptcp: Multipath TCP needs Linux. On ${process.platform} connections are TCP.`);
} else {
  const { status } = spawnSync(process.execPath, [require.resolve('node-gyp-build/bin.js')], {
    stdio: 'inherit',
    env: { JOBS: 'max', ...process.env }, // for make
  });
  if (status !== 0) {
    console.error(
      'mptcp: no prebuilt addon fits this machine, and compiling it failed (see above): connections are TCP.\n' +
        "mptcp: to have Multipath TCP, install python3, make and g++ and run 'npm rebuild mptcp'.",
    );
    // A requested build that failed must fail the installation.
    if (process.env.npm_config_build_from_source === 'true') process.exitCode = 1;
  }
}
