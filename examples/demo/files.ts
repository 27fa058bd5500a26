/** The temporary files of the demo: the file to download and the server's certificate. */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { generate } from 'selfsigned';

const MIB = 1 << 20;

/** A temporary folder with the files that server and client read and write. */
export class Files implements AsyncDisposable {
  readonly key: string;
  readonly certificate: string;
  readonly served: string;
  readonly received: string;

  private constructor(readonly folder: string) {
    this.key = join(folder, 'key.pem');
    this.certificate = join(folder, 'certificate.pem');
    this.served = join(folder, 'served');
    this.received = join(folder, 'received');
  }

  /** Makes a file of random bytes, and a certificate for the server's address. */
  static async make(mebibytes: number, address: string): Promise<Files> {
    const files = new Files(await mkdtemp(join(tmpdir(), 'mptcp-demo-')));
    try {
      await Promise.all([files.#certify(address), files.#fill(mebibytes)]);
      return files;
    } catch (error) {
      await files[Symbol.asyncDispose]();
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true });
  }

  async #certify(ip: string): Promise<void> {
    const pem = await generate([{ name: 'commonName', value: 'mptcp demo' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip }] }],
    });
    await writeFile(this.key, pem.private, { mode: 0o600 });
    await writeFile(this.certificate, pem.cert);
  }

  async #fill(mebibytes: number): Promise<void> {
    const file = await open(this.served, 'w');
    try {
      const block = Buffer.alloc(MIB);
      for (let i = 0; i < mebibytes; i++) await file.write(randomFillSync(block));
    } finally {
      await file.close();
    }
  }
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
