import Fastify from 'fastify';
import { enable } from 'mptcp';
import * as http from 'mptcp/http';
import * as https from 'mptcp/https';
import { announce, certificate, describe, host, secure, way } from './serve.mjs';

const { createServer } = secure ? https : http;
const options = {
  factory: { serverFactory: (handler) => createServer(certificate, handler) },
  enable: { https: secure ? certificate : null },
}[way];

const app = Fastify({ ...options, forceCloseConnections: 'idle' });
if (way === 'enable') enable(app.server);

app.addContentTypeParser('*', (request, payload, done) => done(null, payload));
app.get('/', (request) => describe(request.raw));
app.post('/echo', (request, reply) => reply.send(request.body));

await app.listen({ port: 0, host });
announce(app.server, () => app.close());
