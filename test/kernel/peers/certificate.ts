import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../lab/namespace';

export interface Certificate {
  key: string;
  cert: string;
}

let cached: Certificate | undefined;

/** Returns a self-signed certificate, which is made once a process. */
export function certificate(): Certificate {
  cached ??= make();
  return cached;
}

function make(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'mptcp-certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', '/CN=peer', '-days', '30', '-keyout', key, '-out', cert],
    ]);
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
