// A server that somebody else has made: enable() before it listens. So it is with any net.Server,
// http.Server or tls.Server. (fastify makes more servers when it listens on 'localhost' and that
// has several addresses; enable() does not reach those, the preload mptcp/register does.)
import Fastify from 'fastify';
import { connectionOf, enable } from 'mptcp';
import * as http from 'mptcp/http';

const fastify = Fastify();
enable(fastify.server);

fastify.get('/', (request) => ({ server: connectionOf(request.raw).status }));

const address = await fastify.listen({ port: 0, host: '127.0.0.1' });

http.get(address, (response) => {
  console.log('client:', connectionOf(response).status);
  response.on('data', (body) => console.log(body.toString()));
  response.on('end', () => fastify.close());
});
