/** Runs nginx as a reverse proxy with MPTCP on both sides. */
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Process } from '../lab/process';
import { freePorts, HOST, withDaemon } from './daemon';
import { CERTIFICATE, type Scheme, start } from './program';

type Ports = Record<Scheme, number>;

const configuration = (folder: string, upstream: number, ports: Ports): string => `
daemon off;
master_process off;
pid ${folder}/pid;
user ${userInfo().username};
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 0;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream node { server ${HOST}:${upstream}; keepalive 4; }
  server {
    listen ${HOST}:${ports.http};
    listen ${HOST}:${ports.https} ssl http2;
    ssl_certificate ${CERTIFICATE.cert};
    ssl_certificate_key ${CERTIFICATE.key};
    location / {
      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_request_buffering off;
      proxy_buffering off;
    }
  }
}
`;

/** Runs nginx under mptcpize as the proxy of a server of ours. */
export async function withNginx(
  upstream: number,
  use: (ports: Ports) => Promise<void>,
): Promise<void> {
  const [http, https] = await freePorts();
  const ports = { http, https };
  const launch = (folder: string): Process => {
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(folder, upstream, ports));
    const log = ['-e', 'stderr', '-g', 'error_log stderr notice;'];
    return start('mptcpize', ['run', 'nginx', '-p', folder, '-c', file, ...log]);
  };
  await withDaemon({ launch, ready: /nginx\/\d/, from: 'stderr', stop: 'SIGQUIT' }, () =>
    use(ports),
  );
}
