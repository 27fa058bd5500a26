/** A running program of a test: its output line by line, and its end. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';

/** Longer than the slowest machine needs, in milliseconds. */
const DEADLINE = 30_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The text that a process has written to one of its streams, and how much of it was consumed. */
class Output extends EventEmitter {
  text = '';
  #consumed = 0;
  #ended = false;

  constructor(stream: Readable) {
    super();
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      this.text += chunk;
      this.emit('change');
    });
    stream.on('close', () => {
      this.#ended = true;
      this.emit('change');
    });
  }

  /** Waits for a line, after those already consumed, for which `match` returns a value. */
  async find<T>(match: (line: string) => T | undefined, signal: AbortSignal): Promise<T> {
    for (;;) {
      for (let line = this.#nextLine(); line !== undefined; line = this.#nextLine()) {
        const value = match(line);
        if (value !== undefined) return value;
      }
      if (this.#ended) throw new Error('the output ended');
      await once(this, 'change', { signal });
    }
  }

  #nextLine(): string | undefined {
    const end = this.text.indexOf('\n', this.#consumed);
    if (end < 0) return undefined;
    const line = this.text.slice(this.#consumed, end);
    this.#consumed = end + 1;
    return line;
  }
}

/** A running program: its output line by line, and its end. */
export class Process {
  readonly stdin: ChildProcessWithoutNullStreams['stdin'];
  /** Resolves when the program has ended; its children may still hold its output open. */
  readonly exited: Promise<Exit>;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #closed: Promise<unknown>;

  constructor(
    readonly command: string,
    readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.stdin = child.stdin;
    this.stdin.on('error', () => undefined); // `exited` reports a program that has ended
    this.#stdout = new Output(child.stdout);
    this.#stderr = new Output(child.stderr);
    this.#closed = once(child, 'close');
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    // A program that could not be started rejects only what a caller awaits.
    this.#closed.catch(() => undefined);
    this.exited.catch(() => undefined);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.command}: not started`);
    return this.child.pid;
  }

  get stdout(): string {
    return this.#stdout.text;
  }

  get stderr(): string {
    return this.#stderr.text;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits for the next line that matches, after the line that was consumed last. */
  line(
    pattern: RegExp,
    { from = 'stdout', timeout = DEADLINE }: { from?: 'stdout' | 'stderr'; timeout?: number } = {},
  ): Promise<RegExpExecArray> {
    const output = from === 'stdout' ? this.#stdout : this.#stderr;
    return this.#find(output, (line) => pattern.exec(line) ?? undefined, String(pattern), timeout);
  }

  /** Waits for the next line of JSON, or the next one that `where` accepts. */
  json<T>(where: (value: T) => boolean = () => true, timeout = DEADLINE): Promise<T> {
    const match = (line: string): T | undefined => {
      if (!/^[[{]/.test(line)) return undefined;
      const value = JSON.parse(line) as T;
      return where(value) ? value : undefined;
    };
    return this.#find(this.#stdout, match, 'the awaited JSON', timeout);
  }

  /** Waits for exit code 0 and returns what the program wrote to its standard output. */
  async success(): Promise<string> {
    const [{ code, signal }] = await Promise.all([this.exited, this.#closed]);
    if (code !== 0) throw this.#error(`ended with ${signal ?? `code ${code}`}`);
    return this.stdout;
  }

  /** Ends the program and waits for its end; kills one that ignores the signal. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal);
    const last = setTimeout(() => this.child.kill('SIGKILL'), DEADLINE);
    try {
      return await this.exited;
    } finally {
      clearTimeout(last);
    }
  }

  async #find<T>(
    output: Output,
    match: (line: string) => T | undefined,
    what: string,
    timeout: number,
  ): Promise<T> {
    try {
      return await output.find(match, AbortSignal.timeout(timeout));
    } catch (cause) {
      throw this.#error(`did not print ${what} within ${timeout} ms`, cause);
    }
  }

  #error(what: string, cause?: unknown): Error {
    return new Error(
      `${this.command}: ${what}\nstdout: ${this.stdout.slice(-2000)}\nstderr: ${this.stderr.slice(-2000)}`,
      { cause },
    );
  }
}
