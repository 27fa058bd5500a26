import { type Cipher, createCipheriv, createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';

const CHUNK = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK);

/** Bytes that look random and are the same for every stream of the same seed. */
export class PseudoRandom extends Readable {
  readonly #cipher: Cipher;
  #left: number;

  constructor(bytes: number, seed = 1) {
    super({ highWaterMark: CHUNK });
    const key = Buffer.alloc(16);
    key.writeUInt32BE(seed);
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
    this.#left = bytes;
  }

  override _read(): void {
    const length = Math.min(this.#left, CHUNK);
    this.#left -= length;
    this.push(length === 0 ? null : this.#cipher.update(ZEROS.subarray(0, length)));
  }
}

/** Takes bytes in, and tells how many, their SHA-256, and for how long nothing came. */
export class HashSink extends Writable {
  bytes = 0;
  /** The longest time between two chunks, in milliseconds. */
  longestStall = 0;
  readonly #hash = createHash('sha256');
  #last: number | undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const now = performance.now();
    this.longestStall = Math.max(this.longestStall, now - (this.#last ?? now));
    this.#last = now;
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    callback();
  }

  /** The SHA-256 of what came so far, in hex. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** The SHA-256, in hex, of PseudoRandom's bytes. */
export async function sha256(bytes: number, seed?: number): Promise<string> {
  const sink = new HashSink();
  for await (const chunk of new PseudoRandom(bytes, seed)) sink.write(chunk);
  return sink.sha256;
}
