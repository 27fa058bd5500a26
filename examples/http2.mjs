// HTTP/2 over Multipath TCP; for h2 over TLS use createSecureServer and an https: origin.
import { connectionOf } from 'mptcp';
import * as http2 from 'mptcp/http2';

const server = http2.createServer();
server.on('stream', (stream) => {
  stream.respond({ ':status': 200 });
  stream.end(connectionOf(stream.session).status);
});

server.listen(0, () => {
  const session = http2.connect(`http://localhost:${server.address().port}`);
  session.on('connect', () => console.log('client:', connectionOf(session).status));

  const stream = session.request({ ':path': '/' });
  stream.on('data', (body) => console.log('server:', body.toString()));
  stream.on('end', () => {
    session.close();
    server.close();
  });
});
