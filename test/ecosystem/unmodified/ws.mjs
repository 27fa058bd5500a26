// An app without any MPTCP code.
import { WebSocketServer } from 'ws';

const wss = new WebSocketServer({ port: 0 });
wss.on('connection', (ws) => {
  ws.send(JSON.stringify({ hello: 'world' }));
  ws.on('message', (data) => ws.send(data));
});
wss.on('listening', () => console.log(`http://127.0.0.1:${wss.address().port}`));
process.once('SIGTERM', () => wss.close());
