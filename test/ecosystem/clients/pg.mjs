/** Exercises pg: queries, notifications, reuse of a connection and errors. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connectionOf } from 'mptcp';
import pg from 'pg';
import {
  codeOf,
  connections,
  load,
  mptcp,
  origin,
  preloaded,
  refusing,
  report,
} from './exercise.mjs';

const net = await load('net');
const stream = preloaded ? undefined : () => new net.Socket({ mptcp });

const pool = new pg.Pool({ connectionString: origin, stream, max: 1 });
const client = await pool.connect().catch((error) => {
  report({ connected: codeOf(error) });
  process.exit();
});
const { status } = connectionOf(client.connection.stream);

const payload = randomBytes(1_000_000);
await client.query('CREATE TEMPORARY TABLE files (content bytea)');
await client.query('INSERT INTO files VALUES ($1)', [payload]);
const { rows } = await client.query('SELECT content FROM files');

const notified = once(client, 'notification');
await client.query("LISTEN news; NOTIFY news, 'payload'");
const [notification] = await notified;
client.release();

const next = await pool.query('SELECT count(*)::int FROM files'); // over the same connection
const wrong = await pool.query('SELECT nonsense').catch(codeOf);
await pool.end();

const nobody = new pg.Client({ host: '127.0.0.1', port: await refusing(), stream });
report({
  status,
  client: connections().map(({ status }) => status),
  echoed: payload.equals(rows[0].content),
  notified: notification.payload,
  reused: next.rows[0].count === 1,
  wrong,
  refused: await nobody.connect().catch(codeOf),
});
