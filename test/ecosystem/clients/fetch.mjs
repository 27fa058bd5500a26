// Node's global fetch, which accepts no connector of ours but is reached by the preload.
import { setImmediate } from 'node:timers/promises';
import { exercise } from './exercise.mjs';

await exercise({
  async get(url) {
    const answer = await (await fetch(url)).json();
    await setImmediate(); // until its pool can reuse the connection
    return answer;
  },
  echo: async (url, body) => (await fetch(url, { method: 'POST', body, duplex: 'half' })).body,
});
