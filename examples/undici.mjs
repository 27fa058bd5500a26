// undici over Multipath TCP only: mode 'require' rejects where a peer or a path lacks it.
import { connectionOf } from 'mptcp';
import * as http from 'mptcp/http';
import { connector } from 'mptcp/undici';
import { Agent, request } from 'undici';

const server = http.createServer((req, res) => res.end(connectionOf(req).status));
const tcpServer = http.createServer({ mptcp: { mode: 'off' } }, (req, res) => res.end());

const origin = (listening) => `http://localhost:${listening.address().port}`;
const listen = (listening) => new Promise((resolve) => listening.listen(0, resolve));
await Promise.all([listen(server), listen(tcpServer)]);

const dispatcher = new Agent({ connect: connector({ mptcp: { mode: 'require' } }) });

const { body } = await request(origin(server), { dispatcher });
console.log('server:', await body.text());

await request(origin(tcpServer), { dispatcher }).catch((error) => console.log(error.code));

await dispatcher.close();
server.close();
tcpServer.close();
