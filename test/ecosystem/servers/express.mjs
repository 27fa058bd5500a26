import express from 'express';
import { enable } from 'mptcp';
import * as http from 'mptcp/http';
import * as https from 'mptcp/https';
import { announce, certificate, describe, host, secure, way } from './serve.mjs';

const app = express();
app.get('/', (request, response) => response.json(describe(response)));
app.post('/echo', (request, response) => request.pipe(response));

function listen() {
  if (way === 'enable') return enable(http.createServer(app)).listen(0, host);
  const server = secure ? https.createServer(certificate, app) : http.createServer(app);
  return server.listen(0, host);
}
const server = listen();
server.on('listening', () => announce(server));
