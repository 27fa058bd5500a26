import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';

/** Beyond what the slowest machine needs, in milliseconds. */
const DEADLINE = 30_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What a process has written to one of its streams, and which lines of it were already taken. */
class Output extends EventEmitter {
  text = '';
  #taken = 0;
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

  /** Waits for a line, after those already taken, for which `match` has an answer. */
  async take<T>(match: (line: string) => T | undefined, signal: AbortSignal): Promise<T> {
    for (;;) {
      for (let line = this.#nextLine(); line !== undefined; line = this.#nextLine()) {
        const answer = match(line);
        if (answer !== undefined) return answer;
      }
      if (this.#ended) throw new Error('the output ended');
      await once(this, 'change', { signal });
    }
  }

  #nextLine(): string | undefined {
    const end = this.text.indexOf('\n', this.#taken);
    if (end < 0) return undefined;
    const line = this.text.slice(this.#taken, end);
    this.#taken = end + 1;
    return line;
  }
}

/** A running program: its output line by line, and its end. */
export class Process {
  readonly stdin: ChildProcessWithoutNullStreams['stdin'];
  /** When the program has ended; what it left behind may still hold its output open. */
  readonly exited: Promise<Exit>;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #closed: Promise<unknown>;

  constructor(
    readonly command: string,
    readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.stdin = child.stdin;
    this.stdin.on('error', () => undefined); // a program that has ended shows in `exited`
    this.#stdout = new Output(child.stdout);
    this.#stderr = new Output(child.stderr);
    this.#closed = once(child, 'close');
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    // Only who asks is told of a program that could not be started.
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

  /** The next line that matches, of those written after the last one asked for. */
  line(
    pattern: RegExp,
    { from = 'stdout', timeout = DEADLINE }: { from?: 'stdout' | 'stderr'; timeout?: number } = {},
  ): Promise<RegExpExecArray> {
    const output = from === 'stdout' ? this.#stdout : this.#stderr;
    return this.#take(output, (line) => pattern.exec(line) ?? undefined, String(pattern), timeout);
  }

  /** The next line of JSON, or the next one that `where` accepts. */
  json<T>(where: (value: T) => boolean = () => true, timeout = DEADLINE): Promise<T> {
    const match = (line: string): T | undefined => {
      if (!/^[[{]/.test(line)) return undefined;
      const value = JSON.parse(line) as T;
      return where(value) ? value : undefined;
    };
    return this.#take(this.#stdout, match, 'the awaited JSON', timeout);
  }

  /** Waits for a clean end and gives what the program wrote to its standard output. */
  async success(): Promise<string> {
    const [{ code, signal }] = await Promise.all([this.exited, this.#closed]);
    if (code !== 0) throw this.#error(`ended with ${signal ?? `code ${code}`}`);
    return this.stdout;
  }

  /** Ends the program and waits until it is gone; one that does not heed the signal is killed. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal);
    const last = setTimeout(() => this.child.kill('SIGKILL'), DEADLINE);
    try {
      return await this.exited;
    } finally {
      clearTimeout(last);
    }
  }

  async #take<T>(
    output: Output,
    match: (line: string) => T | undefined,
    what: string,
    timeout: number,
  ): Promise<T> {
    try {
      return await output.take(match, AbortSignal.timeout(timeout));
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
