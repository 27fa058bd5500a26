/**
 * A verifiable transfer: a source of pseudo-random bytes, and a sink that hashes what it receives.
 */
import { type Cipher, createCipheriv, createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';

const CHUNK = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK);

/** A stream of pseudo-random bytes, equal for all streams with the same seed. */
export class PseudoRandom extends Readable {
  readonly #cipher: Cipher;
  #remaining: number;

  constructor(bytes: number, seed = 1) {
    super({ highWaterMark: CHUNK });
    const key = Buffer.alloc(16);
    key.writeUInt32BE(seed);
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
    this.#remaining = bytes;
  }

  override _read(): void {
    const length = Math.min(this.#remaining, CHUNK);
    this.#remaining -= length;
    this.push(length === 0 ? null : this.#cipher.update(ZEROS.subarray(0, length)));
  }
}

/** Consumes bytes and reports their number, their SHA-256 and the longest stall. */
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

  /** The SHA-256 of the bytes received so far, in hex. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** The SHA-256, in hex, of the bytes of a PseudoRandom stream. */
export async function sha256(bytes: number, seed?: number): Promise<string> {
  const sink = new HashSink();
  for await (const chunk of new PseudoRandom(bytes, seed)) sink.write(chunk);
  return sink.sha256;
}
