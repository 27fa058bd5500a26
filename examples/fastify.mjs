// fastify over Multipath TCP: serverFactory creates its servers by mptcp/http.
import Fastify from 'fastify';
import { connectionOf } from 'mptcp';
import * as http from 'mptcp/http';

const fastify = Fastify({ serverFactory: (handler) => http.createServer(handler) });

fastify.get('/', (request) => ({ server: connectionOf(request.raw).status }));

const address = await fastify.listen({ port: 0 });

http.get(address, (response) => {
  console.log('client:', connectionOf(response).status);
  response.on('data', (body) => console.log(body.toString()));
  response.on('end', () => fastify.close());
});
