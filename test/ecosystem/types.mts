/** Compiled, never run: the frameworks' own types accept those of this package without a cast. */
import axios from 'axios';
import express from 'express';
import Fastify from 'fastify';
import got from 'got';
import { connectionOf, type ConnectionStatus, enable } from 'mptcp';
import * as http from 'mptcp/http';
import * as https from 'mptcp/https';
import * as net from 'mptcp/net';
import { connector } from 'mptcp/undici';
import pg from 'pg';
import { Agent } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';

const agents = {
  http: new http.Agent({ keepAlive: true, mptcp: { mode: 'require' } }),
  https: new https.Agent({ keepAlive: true }),
};

export const fastify = Fastify({ serverFactory: (handler) => http.createServer(handler) });
fastify.get('/', (request): ConnectionStatus => connectionOf(request.raw).status);
enable(Fastify({ https: {} }).server, { mode: 'require' });

const app = express();
app.get('/', (request, response) => {
  response.json([connectionOf(request).status, connectionOf(response).token]);
});
const server = https.createServer({ mptcp: { mode: 'prefer' } }, app);

new WebSocketServer({ server }).on('connection', (_webSocket, request) => connectionOf(request));
export const webSocket = new WebSocket('wss://localhost', { agent: agents.https });

export const clients = [
  axios.create({ httpAgent: agents.http, httpsAgent: agents.https }),
  got.extend({ agent: agents }),
  new Agent({ connect: connector({ allowH2: true, mptcp: { mode: 'require' } }) }),
  new pg.Pool({ stream: () => new net.Socket({ mptcp: { mode: 'off' } }) }),
];
