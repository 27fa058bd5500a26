import { json } from 'node:stream/consumers';
import { exercise, load } from './exercise.mjs';

const http2 = await load('http2');
const sessions = new Map();

/** Opens a stream in the session with the origin, which is shared by all requests to it. */
function request({ origin, pathname }, headers = {}) {
  if (!sessions.has(origin)) {
    const session = http2.connect(origin);
    sessions.set(origin, {
      session,
      failed: new Promise((_, reject) => session.on('error', reject)),
    });
  }
  const { session, failed } = sessions.get(origin);
  const stream = session.request({ ':path': pathname, ...headers });
  return { stream: stream.on('error', () => undefined), failed };
}

await exercise({
  get(url) {
    const { stream, failed } = request(new URL(url));
    return Promise.race([json(stream), failed]);
  },
  echo: (url, body) => body.pipe(request(new URL(url), { ':method': 'POST' }).stream),
});
for (const { session } of sessions.values()) session.close();
