// axios over Multipath TCP by agents, which got, node-fetch, superagent and others accept too.
import axios from 'axios';
import { connectionOf } from 'mptcp';
import * as http from 'mptcp/http';
import * as https from 'mptcp/https';

const client = axios.create({
  httpAgent: new http.Agent({ keepAlive: true }),
  httpsAgent: new https.Agent({ keepAlive: true }),
});

const server = http.createServer((req, res) => res.end(connectionOf(req).status));
server.listen(0, async () => {
  const { data, request } = await client.get(`http://localhost:${server.address().port}`);
  console.log('server:', data);
  console.log('client:', connectionOf(request.res).status);
  server.close();
});
