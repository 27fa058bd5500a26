// What takes away from this process what it may have: no more threads, or no more files. Each returns what gives it back.
'use strict';
const fs = require('node:fs');

const EXHAUST = {
  threads() {
    const file = process.env.NO_THREADS;
    fs.writeFileSync(file, '');
    return () => fs.rmSync(file);
  },
  files() {
    const open = [];
    for (;;) {
      try {
        open.push(fs.openSync('/dev/null'));
      } catch {
        return () => open.forEach((fd) => fs.closeSync(fd));
      }
    }
  },
};

module.exports = { EXHAUST };
