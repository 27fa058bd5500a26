import { connector } from 'mptcp/undici';
import { Agent, fetch } from 'undici';
import { exercise, mptcp, preloaded } from './exercise.mjs';

const dispatcher = preloaded
  ? new Agent({ allowH2: true })
  : new Agent({ allowH2: true, connect: connector({ allowH2: true, mptcp }) });

await exercise({
  get: async (url) => (await fetch(url, { dispatcher })).json(),
  echo: async (url, body) =>
    (await fetch(url, { dispatcher, method: 'POST', body, duplex: 'half' })).body,
});
