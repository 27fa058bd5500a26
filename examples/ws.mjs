// WebSockets over Multipath TCP: the server upgrades connections of mptcp/http, and the client uses
// an agent of it. For wss: use mptcp/https.
import { connectionOf } from 'mptcp';
import * as http from 'mptcp/http';
import { WebSocket, WebSocketServer } from 'ws';

const server = http.createServer();
const webSockets = new WebSocketServer({ server });

webSockets.on('connection', (webSocket, request) => {
  console.log('server:', connectionOf(request).status);
  webSocket.on('message', (data) => webSocket.send(`echo of ${data}`));
});

server.listen(0, () => {
  const url = `ws://localhost:${server.address().port}`;
  const webSocket = new WebSocket(url, { agent: new http.Agent() });
  webSocket.on('upgrade', (response) => console.log('client:', connectionOf(response).status));
  webSocket.on('open', () => webSocket.send('hello'));
  webSocket.on('message', (data) => {
    console.log(data.toString());
    webSocket.close();
    server.close();
  });
});
