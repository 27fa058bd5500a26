// Preloaded: prints as JSON, at exit, which of this package's modules were loaded.
'use strict';

const { join, relative, sep } = require('node:path');

const dist = join(__dirname, '..', '..', 'dist') + sep;
process.on('exit', () => {
  const modules = Object.keys(require.cache).filter((file) => file.startsWith(dist));
  console.log(JSON.stringify({ modules: modules.map((file) => relative(dist, file)) }));
});
