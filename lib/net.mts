// For `import`: Node finds the names of its own modules only through an ES module.
import net from './net.js';

export * from 'node:net';
export { connect, createConnection, createServer, Server, Socket, Stream } from './net.js';
export default net;
