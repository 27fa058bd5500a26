// ioredis requests Multipath TCP by its option `Connector`. Redis itself speaks plain TCP: the status
// is 'fallback', and everything works. REDIS_URL is the address of the server.
import { AbstractConnector, Redis } from 'ioredis';
import { connectionOf } from 'mptcp';
import * as net from 'mptcp/net';

class MptcpConnector extends AbstractConnector {
  constructor(options) {
    super(options.disconnectTimeout);
    this.options = options;
  }

  async connect() {
    const { host, port } = this.options;
    return (this.stream = net.connect({ host, port }));
  }
}

const redis = new Redis(process.env.REDIS_URL ?? 'redis://localhost', {
  Connector: MptcpConnector,
});
await redis.set('mptcp:example', 42);
console.log('answer:', await redis.get('mptcp:example'));
console.log('client:', connectionOf(redis.stream).status);
await redis.quit();
