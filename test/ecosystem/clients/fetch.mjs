// Node's global fetch: it takes no connector of ours, but the preload reaches it.
import { setImmediate } from 'node:timers/promises';
import { exercise } from './exercise.mjs';

await exercise({
  async get(url) {
    const answer = await (await fetch(url)).json();
    await setImmediate(); // when it has its connection back
    return answer;
  },
  echo: async (url, body) => (await fetch(url, { method: 'POST', body, duplex: 'half' })).body,
});
