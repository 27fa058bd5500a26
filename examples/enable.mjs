// enable() turns on MPTCP for a server that a framework has created, before it listens. It accepts
// any net.Server, http.Server or tls.Server. (fastify creates further servers when it listens on
// 'localhost' and that has several addresses: the preload mptcp/register reaches those too.)
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
