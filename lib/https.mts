// For `import`: Node finds the names of its own modules only through an ES module.
import https from './https.js';

export * from 'node:https';
export { Agent, createServer, get, globalAgent, request, Server } from './https.js';
export default https;
