// A server behind a layer-4 load balancer: clients join at its own address instead of the shared one.
// It needs CAP_NET_ADMIN, and changes a setting of the network namespace while it runs:
//   OWN_ADDRESS=198.51.100.11 node load-balanced.mjs
import { PathManager } from 'mptcp';
import * as http from 'mptcp/http';

const pm = await PathManager.open();
const balanced = await pm.behindLoadBalancer({ address: process.env.OWN_ADDRESS ?? '127.0.0.1' });
console.log('announced:', balanced.endpoint.address);
console.log('joins elsewhere:', await pm.sysctls.get('allow_join_initial_addr_port'));

const server = http.createServer((_request, response) => response.end('hello'));
server.listen(0, '::', () => {
  // In production the balancer is between client and server.
  http.get({ host: '127.0.0.1', port: server.address().port, agent: false }, (response) => {
    response.on('data', (data) => console.log('answer:', data.toString()));
    response.on('end', async () => {
      server.close();
      await pm.close(); // restores the setting
    });
  });
});
