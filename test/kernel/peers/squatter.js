// Occupies abstract Unix names, its arguments, as any process of a network namespace can.
'use strict';
const net = require('node:net');

for (const name of process.argv.slice(2)) {
  net.createServer(() => undefined).listen({ path: `\0${name}` });
}
setInterval(() => undefined, 60_000);
process.stdout.write('{"occupied":true}\n');
