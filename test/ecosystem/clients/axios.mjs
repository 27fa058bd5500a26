import axios from 'axios';
import { exercise, load } from './exercise.mjs';

const http = await load('http');
const https = await load('https');
const client = axios.create({
  httpAgent: new http.Agent({ keepAlive: true }),
  httpsAgent: new https.Agent({ keepAlive: true }),
});

await exercise({
  get: async (url) => (await client.get(url)).data,
  echo: async (url, body) =>
    (await client.post(url, body, { responseType: 'stream', maxRedirects: 0 })).data,
});
