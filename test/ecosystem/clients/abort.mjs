// Each library aborts an endless body once data has arrived.
import axios from 'axios';
import got from 'got';
import { Agent, fetch } from 'undici';
import { connector } from 'mptcp/undici';
import { load, origin, preloaded, report, secure } from './exercise.mjs';

const { Agent: HttpAgent } = await load(secure ? 'https' : 'http');
const agent = new HttpAgent({ keepAlive: true });
const dispatcher = new Agent({ connect: preloaded ? {} : connector() });
const url = `${origin}/endless`;

const clients = {
  async axios(signal) {
    const options = { httpAgent: agent, httpsAgent: agent, responseType: 'stream', signal };
    return (await axios.get(url, options)).data;
  },
  got: (signal) => got.stream(url, { agent: { http: agent, https: agent }, signal }),
  async undici(signal) {
    return (await fetch(url, { dispatcher, signal })).body;
  },
};

for (const [name, stream] of Object.entries(clients)) {
  const abort = new AbortController();
  const body = await stream(abort.signal);
  try {
    for await (const chunk of body) if (chunk.length > 0) abort.abort();
  } catch (error) {
    report({ [name]: error.name });
  }
}
process.stdin.resume(); // stays alive, because the end of the process closes every connection
