// For `import`: Node finds the names of its own modules only through an ES module.
import http from './http.js';

export * from 'node:http';
export { Agent, createServer, get, globalAgent, request, Server } from './http.js';
export default http;
