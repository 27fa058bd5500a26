import * as http from 'mptcp/http';
import * as https from 'mptcp/https';
import { WebSocketServer } from 'ws';
import { announce, certificate, describe, host, secure } from './serve.mjs';

const { createServer } = secure ? https : http;
const server = createServer(certificate);
const webSockets = new WebSocketServer({ server });

webSockets.on('connection', (webSocket, request) => {
  webSocket.send(JSON.stringify(describe(request)));
  webSocket.on('message', (message) => webSocket.send(message));
});
server.listen(0, host, () =>
  announce(server, () => {
    webSockets.close();
    server.close();
  }),
);
