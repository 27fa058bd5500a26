// For `import`: Node finds the names of its own modules only through an ES module.
import tls from './tls.js';

export * from 'node:tls';
export { connect, createServer, Server } from './tls.js';
export default tls;
