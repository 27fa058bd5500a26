// Node's own HTTP client with its default agent.
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { exercise, load, secure } from './exercise.mjs';

const { get, request } = await load(secure ? 'https' : 'http');

const response = async (message) => (await once(message, 'response'))[0];

await exercise({
  get: async (url) => json(await response(get(url))),
  echo: (url, body) => response(body.pipe(request(url, { method: 'POST' }))),
});
