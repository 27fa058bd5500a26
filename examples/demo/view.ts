/** The live views of the demo: lines for logs and pipes, and a table for terminals. */
import type { WriteStream } from 'node:tty';
import Table from 'cli-table3';
import pc from 'picocolors';
import type { Flow, Progress, Watcher } from './download';
import { bar, megabits, megabytes, percent, PLAIN_TABLE, seconds, sparkline } from './format';
import { RATES } from './network';

/** A view of the running demo. */
export interface View extends Watcher {
  close(): void;
}

const described = (what: string, how?: string): string =>
  how === undefined ? what : `${what}  ${pc.dim(how)}`;

/** One line for each event, and one every second, for logs and pipes. */
export class Lines implements View {
  #time = 0;
  #printed = -Infinity;

  constructor(private readonly out: NodeJS.WritableStream) {}

  readonly event = (what: string, how?: string): void =>
    void this.out.write(`${seconds(this.#time)}  ${described(what, how)}\n`);

  readonly progress = ({ time, received, size, rate, flows }: Progress): void => {
    this.#time = time;
    if (time - this.#printed < 1000 && received < size) return;
    this.#printed = time;
    const paths = flows.map((flow) => `${nameOf(flow)}: ${megabits(flow.rate)}`).join('  ');
    const share = percent(received, size).padStart(5);
    this.out.write(`${seconds(time)}  ${share}  ${megabits(rate).padStart(12)}  ${paths}\n`);
  };

  close(): void {
    // Nothing is held.
  }
}

const nameOf = ({ id, path }: Flow): string =>
  path === undefined ? `subflow ${id ?? ''}` : `path ${path}`;

/** A table that is redrawn in place on a terminal. */
export class Live implements View {
  readonly #events: string[] = [];
  /** The rates of each interval, of each subflow by its row in the table. */
  readonly #history: number[][] = [];
  #progress: Progress | undefined;
  #sampled = -Infinity;

  private constructor(
    private readonly out: WriteStream,
    private readonly draw: ((frame: string) => void) & { done: () => void },
  ) {}

  static async open(out: WriteStream): Promise<Live> {
    const { createLogUpdate } = await import('log-update');
    return new Live(out, createLogUpdate(out));
  }

  readonly event = (what: string, how?: string): void => {
    const time = pc.dim(seconds(this.#progress?.time ?? 0));
    this.#events.push(` ${pc.green('●')} ${time}  ${described(what, how)}`);
    this.#render();
  };

  readonly progress = (progress: Progress): void => {
    this.#progress = progress;
    if (progress.time - this.#sampled >= 1000) {
      this.#sampled = progress.time;
      progress.flows.forEach((flow, index) => (this.#history[index] ??= []).push(flow.rate));
    }
    this.#render();
  };

  close(): void {
    this.draw.done();
  }

  #render(): void {
    const frame = this.#progress === undefined ? [] : [this.#table(this.#progress)];
    this.draw([...frame, '', ...this.#events].join('\n'));
  }

  #table({ flows, cut, rate, received, size }: Progress): string {
    const width = Math.min(26, this.out.columns - 81);
    const history = width >= 8;
    const right = (content: string) => ({ content, hAlign: 'right' as const });
    const table = new Table({
      head: [
        '',
        'path',
        'client → server',
        'rate',
        'received',
        ...(history ? ['history'] : []),
      ].map(pc.dim),
      colWidths: [5, 16, 25, 14, 11, ...(history ? [width + 2] : [])],
      ...PLAIN_TABLE,
    });
    flows.forEach((flow, index) => {
      const dead = flow.path !== undefined && flow.path === cut;
      const limit = RATES[(flow.path ?? 0) - 1];
      const top = limit === undefined ? Math.max(...(this.#history[index] ?? [])) : limit * 1e6;
      const paint = dead ? pc.red : pc.green;
      const name = flow.path === undefined ? 'loopback' : `${flow.path}: ${limit} Mbit/s`;
      table.push([
        right(String(flow.id ?? index + 1)),
        dead ? pc.red(`${flow.path} is cut`) : name,
        `${flow.local.address} → ${flow.remote.address}`,
        right(paint(megabits(flow.rate))),
        right(megabytes(flow.bytes)),
        ...(history ? [paint(sparkline(this.#history[index] ?? [], top, width))] : []),
      ]);
    });
    const share = received / size;
    const done = ` ${percent(received, size)} of ${megabytes(size)}`;
    table.push([
      '',
      pc.bold('total'),
      right(done),
      right(pc.bold(megabits(rate))),
      right(pc.bold(megabytes(received))),
      ...(history ? [pc.cyan(bar(share, width))] : []),
    ]);
    return table.toString();
  }
}
