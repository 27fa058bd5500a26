/** Databases that run for one test. They speak plain TCP. */
import { chmodSync, copyFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../lab/namespace';
import type { Process } from '../lab/process';
import { findCommand } from '../lab/requirements';
import { freePort, HOST, withDaemon } from './daemon';
import { CERTIFICATE, start } from './program';

const READY = /ready to accept connections/i;

type Use = (port: number) => Promise<void>;

/** Runs PostgreSQL with optional TLS, user `app` and database `postgres`. */
export async function withPostgres(use: Use): Promise<void> {
  const port = await freePort();
  const launch = (folder: string): Process => launchPostgres(folder, port);
  await withDaemon({ launch, ready: READY, from: 'stderr', stop: 'SIGINT' }, () => use(port));
}

function launchPostgres(folder: string, port: number): Process {
  const postgres = realpathSync(findCommand('postgres') ?? 'postgres');
  const initdb = join(dirname(postgres), 'initdb');
  // It refuses to run as root, so it runs as another user of a user namespace.
  const isRoot = process.getuid?.() === 0;
  const [command, ...prefix]: [string, ...string[]] = isRoot
    ? ['unshare', '--user', '--map-user=1000']
    : ['env'];
  const data = join(folder, 'data');
  const initOptions = ['-U', 'app', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--no-locale'];
  run(command, [...prefix, initdb, '-D', data, ...initOptions]);
  const key = join(folder, 'key.pem');
  copyFileSync(CERTIFICATE.key, key);
  chmodSync(key, 0o600);
  const settings = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: '',
    fsync: 'off',
    ssl: 'on',
    ssl_key_file: key,
    ssl_cert_file: CERTIFICATE.cert,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return start(command, [...prefix, postgres, '-D', data, ...options]);
}

/** Runs Redis without persistence. */
export async function withRedis(use: Use): Promise<void> {
  const port = await freePort();
  const launch = (folder: string): Process =>
    start('redis-server', [
      ...['--bind', HOST, '--port', String(port), '--dir', folder, '--save', ''],
    ]);
  await withDaemon({ launch, ready: READY, from: 'stdout', stop: 'SIGTERM' }, () => use(port));
}
