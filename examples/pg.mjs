// pg requests Multipath TCP by its option `stream`. PostgreSQL itself speaks plain TCP: unless it
// runs under mptcpize, or behind a proxy with MPTCP, the status is 'fallback', and everything works.
// The database is configured by PGHOST, PGPORT, PGUSER … as usual.
import { connectionOf } from 'mptcp';
import * as net from 'mptcp/net';
import pg from 'pg';

const pool = new pg.Pool({ stream: () => new net.Socket() });
pool.on('connect', (client) => {
  console.log('client:', connectionOf(client.connection.stream).status);
});

const { rows } = await pool.query('SELECT 6 * 7 AS answer');
console.log('answer:', rows[0].answer);
await pool.end();
