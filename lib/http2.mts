// For `import`: Node finds the names of its own modules only through an ES module.
import http2 from './http2.js';

export * from 'node:http2';
export { connect, createSecureServer, createServer } from './http2.js';
export default http2;
