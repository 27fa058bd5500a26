import * as http2 from 'mptcp/http2';
import { announce, certificate, describe, host, secure } from './serve.mjs';

const server = secure ? http2.createSecureServer(certificate) : http2.createServer();
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200 });
  if (headers[':path'] === '/echo') stream.pipe(stream);
  else stream.end(JSON.stringify(describe(stream.session)));
});
server.listen(0, host, () => announce(server));
