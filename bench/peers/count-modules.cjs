// Preloaded: prints as JSON, at exit, how many of this package's modules were loaded.
'use strict';

const { join, sep } = require('node:path');

const dist = join(__dirname, '..', '..', 'dist') + sep;
process.on('exit', () => {
  const modules = Object.keys(require.cache).filter((file) => file.startsWith(dist));
  console.log(JSON.stringify({ modules: modules.length }));
});
