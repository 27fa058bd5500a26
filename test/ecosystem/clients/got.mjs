import got from 'got';
import { exercise, load } from './exercise.mjs';

const http = await load('http');
const https = await load('https');
const client = got.extend({
  agent: {
    http: new http.Agent({ keepAlive: true }),
    https: new https.Agent({ keepAlive: true }),
  },
  retry: { limit: 0 },
});

await exercise({
  get: (url) => client.get(url).json(),
  echo: (url, body) => body.pipe(client.stream.post(url)),
});
