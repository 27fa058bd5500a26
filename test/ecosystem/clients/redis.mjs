/** Exercises ioredis: commands, a pipeline, a subscription and errors. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { AbstractConnector, Redis } from 'ioredis';
import { connectionOf } from 'mptcp';
import { codeOf, connections, load, origin, preloaded, refusing, report } from './exercise.mjs';

const net = await load('net');

class Connector extends AbstractConnector {
  constructor(options) {
    super(options.disconnectTimeout);
    this.options = options;
  }

  async connect() {
    const { host, port } = this.options;
    return (this.stream = net.connect({ host, port }));
  }
}

const options = preloaded ? {} : { Connector };
const redis = new Redis(origin, options);

const payload = randomBytes(1_000_000);
await redis.set('file', payload);
const echoed = payload.equals(await redis.getBuffer('file'));
const { status } = connectionOf(redis.stream);
const piped = await redis.pipeline().incr('count').incr('count').exec();

const subscriber = redis.duplicate();
await subscriber.subscribe('news');
const notified = once(subscriber, 'message');
await redis.publish('news', 'payload');
const [, notification] = await notified;

const client = connections().map(({ status }) => status);
await Promise.all([redis.quit(), subscriber.quit()]);

const nobody = new Redis(await refusing(), { ...options, retryStrategy: null });
const [refused] = await once(nobody, 'error');
report({ status, client, echoed, piped, notified: notification, refused: codeOf(refused) });
