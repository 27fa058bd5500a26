// An app without any MPTCP code.
import Fastify from 'fastify';

const fastify = Fastify();
fastify.addContentTypeParser('*', (request, payload, done) => done(null, payload));
fastify.get('/', () => ({ hello: 'world' }));
fastify.post('/echo', (request, reply) => reply.send(request.body));

const address = await fastify.listen({ port: 0 });
console.log(address);
process.once('SIGTERM', () => fastify.close());
