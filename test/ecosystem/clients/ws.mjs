import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { codeOf, connections, load, origin, refusing, report, secure } from './exercise.mjs';

const { Agent } = await load(secure ? 'https' : 'http');
const agent = new Agent();

const webSocket = new WebSocket(origin.replace('http', 'ws'), { agent });
const [greeting] = await once(webSocket, 'message');

const payload = randomBytes(1_000_000);
webSocket.send(payload);
const [echoed] = await once(webSocket, 'message');
const client = connections();
webSocket.close(1000);
const [closeCode] = await once(webSocket, 'close');

const nobody = new WebSocket(`ws${secure ? 's' : ''}://127.0.0.1:${await refusing()}`, { agent });
const refused = await once(nobody, 'open').then(() => 'answered', codeOf);

report({
  server: [JSON.parse(greeting)],
  client,
  echoed: payload.equals(echoed),
  closeCode,
  refused,
});
