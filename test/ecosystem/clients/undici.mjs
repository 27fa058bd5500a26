import { connector } from 'mptcp/undici';
import { Agent, request } from 'undici';
import { exercise, mptcp, preloaded } from './exercise.mjs';

const connect = preloaded ? {} : connector({ mptcp });
const dispatcher = new Agent({ connect, connections: 1 });

await exercise({
  get: async (url) => (await request(url, { dispatcher })).body.json(),
  echo: async (url, body) => (await request(url, { dispatcher, method: 'POST', body })).body,
});
