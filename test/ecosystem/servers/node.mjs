// Node's own HTTP server.
import * as http from 'mptcp/http';
import * as https from 'mptcp/https';
import { Readable, pipeline } from 'node:stream';
import { announce, certificate, describe, host, secure, way } from './serve.mjs';

const { createServer } = secure ? https : http;
const mptcp = { mode: way };

function* endless() {
  for (;;) yield Buffer.alloc(10_000);
}

const server = createServer({ ...certificate, mptcp }, (request, response) => {
  const described = describe(request);
  switch (request.url) {
    case '/echo':
      return request.pipe(response);
    case '/endless':
      return pipeline(Readable.from(endless()), response, ({ code }) =>
        console.log(JSON.stringify({ aborted: code, ...described })),
      );
    default:
      return response.end(JSON.stringify(described));
  }
});
server.listen(0, host, () => announce(server));
