// express over Multipath TCP: `mptcp/http` creates its server.
import express from 'express';
import { connectionOf } from 'mptcp';
import * as http from 'mptcp/http';

const app = express();
app.get('/', (req, res) => res.json({ server: connectionOf(req).status }));

const server = http.createServer(app).listen(0, () => {
  http.get({ port: server.address().port }, (response) => {
    console.log('client:', connectionOf(response).status);
    response.on('data', (body) => console.log(body.toString()));
    response.on('end', () => server.close());
  });
});
