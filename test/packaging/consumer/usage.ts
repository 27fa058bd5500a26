/** Uses the public types as a TypeScript app does; compiled against the packed package, not run. */
import {
  type Capabilities,
  capabilities,
  type Connection,
  connectionOf,
  type ConnectionStatus,
  enable,
  type MptcpError,
  type MptcpOptions,
  type Subflow,
} from 'mptcp';
import * as http from 'mptcp/http';
import * as http2 from 'mptcp/http2';
import * as https from 'mptcp/https';
import * as net from 'mptcp/net';
import 'mptcp/register';
import * as tls from 'mptcp/tls';
import { connector } from 'mptcp/undici';
import nodeHttp from 'node:http';
import type nodeNet from 'node:net';
import { Agent } from 'undici';

const mptcp: MptcpOptions = { mode: 'require', hints: { congestionControl: 'system' } };

export const server: nodeNet.Server = net.createServer({ mptcp, allowHalfOpen: true }, (socket) => {
  const connection: Connection = connectionOf(socket);
  const status: ConnectionStatus = connection.status;
  const [first]: Subflow[] = connection.subflows();
  socket.end(`${status} ${first?.local.address ?? ''} ${first?.tcpInfo.rtt ?? 0}`);
});
export const socket: nodeNet.Socket = net.connect({ port: 443, host: 'localhost', mptcp });
export const tlsSocket: tls.TLSSocket = tls.connect({ port: 443, mptcp });
export const tlsServer: tls.Server = tls.createServer({ mptcp });
export const httpServer: nodeHttp.Server = http.createServer({ mptcp }, (request, response) => {
  response.end(connectionOf(request).status + connectionOf(response).status);
});
export const agent: nodeHttp.Agent = new http.Agent({ keepAlive: true, mptcp });
export const request = https.get('https://localhost', { mptcp }, (response) => response.resume());
export const session: http2.ClientHttp2Session = http2.connect('https://localhost', { mptcp });
export const status: ConnectionStatus = connectionOf(session).status;
export const enabled: nodeHttp.Server = enable(nodeHttp.createServer(), mptcp);
export const dispatcher = new Agent({ connect: connector({ mptcp }) });
export const can: Promise<Capabilities> = capabilities();
export const code = (error: MptcpError): string => `${error.code} ${error.errno ?? ''}`;
export class MySocket extends net.Socket {}

// @ts-expect-error no such mode
net.connect({ port: 443, mptcp: { mode: 'always' } });
// @ts-expect-error no such key
http.createServer({ mptcp: { hint: {} } });
// @ts-expect-error it is not a socket
connectionOf({});
