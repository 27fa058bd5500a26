// Reports the error of each library whose connections require MPTCP, for a server without it.
import axios from 'axios';
import got from 'got';
import { once } from 'node:events';
import * as http from 'mptcp/http';
import * as http2 from 'mptcp/http2';
import * as https from 'mptcp/https';
import { connector } from 'mptcp/undici';
import { Agent, fetch, request } from 'undici';
import { WebSocket } from 'ws';
import { codeOf, origin, report, secure } from './exercise.mjs';

const mptcp = { mode: 'require' };
const { Agent: HttpAgent, get } = secure ? https : http;
const agent = new HttpAgent({ mptcp });
const agents = { http: agent, https: agent };
const dispatcher = new Agent({ connect: connector({ mptcp }) });

const attempts = {
  node: once(get(origin, { mptcp }), 'response'),
  axios: axios.get(origin, { httpAgent: agent, httpsAgent: agent }),
  got: got(origin, { agent: agents, retry: { limit: 0 } }),
  undici: request(origin, { dispatcher }),
  fetch: fetch(origin, { dispatcher }),
  http2: once(http2.connect(origin, { mptcp }), 'connect'),
  ws: once(new WebSocket(origin.replace('http', 'ws'), { agent }), 'open'),
};
const codes = Object.entries(attempts).map(async ([client, attempt]) => [
  client,
  await attempt.then(() => 'answered', codeOf),
]);
report(Object.fromEntries(await Promise.all(codes)));
