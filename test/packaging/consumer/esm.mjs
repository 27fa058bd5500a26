// The same as cjs.cjs by import, with names of Node's own modules.
import { once } from 'node:events';
import * as nodeNet from 'node:net';
import { capabilities, connectionOf, enable } from 'mptcp';
import net, { BlockList, connect, createServer, isIP, Server, Socket } from 'mptcp/net';
import { TLSSocket } from 'mptcp/tls';
import { Agent, globalAgent, STATUS_CODES } from 'mptcp/http';
import { request } from 'mptcp/https';
import { constants } from 'mptcp/http2';
import { connector } from 'mptcp/undici';

const names = {
  BlockList,
  Socket,
  TLSSocket,
  Agent,
  globalAgent,
  STATUS_CODES,
  request,
  constants,
};
const undefinedNames = Object.entries({ ...names, isIP, connector, default: net.connect })
  .filter(([, value]) => value === undefined)
  .map(([name]) => name);
if (undefinedNames.length > 0) throw new Error(`not exported: ${undefinedNames.join(', ')}`);

const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
await once(server, 'listening');
const socket = connect(server.address().port, '127.0.0.1');
await once(socket, 'connect');
const { status } = connectionOf(socket);
const { mptcp, reason } = await capabilities();
await once(socket.resume(), 'close');
server.close();
const isServer = enable(new Server()) instanceof nodeNet.Server;
console.log(JSON.stringify({ status, mptcp, reason: reason?.message, isServer }));
