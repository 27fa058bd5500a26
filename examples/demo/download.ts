/**
 * The download of the demo: starts server and client, changes the paths meanwhile, and measures
 * rates.
 */
import { resolve } from 'node:path';
import { type ConnectionStatus, PathManager, type Subflow } from 'mptcp';
import type { Path } from '../../test/lab/path';
import type { Process } from '../../test/lab/process';
import type { Files } from './files';
import type { Network } from './network';

/** The time over which a rate is measured, in ms. */
const WINDOW = 1000;
/** The time without data after which the download fails, in ms. */
const PATIENCE = 20_000;

/** The shares of the file at which the paths are changed. */
const ADD_SECOND_PATH = 0.27;
const CUT_FIRST_PATH = 0.6;
const RESTORE_FIRST_PATH = 0.7;

/** A line of output of client.mjs. */
interface Report {
  /** The time since the client started, in ms. */
  time: number;
  size: number;
  received: number;
  longestStall: number;
  status: ConnectionStatus;
  subflows: Subflow[];
}

/** The current or last known state of a subflow. */
export interface Flow extends Pick<Subflow, 'id' | 'local' | 'remote'> {
  /** The number of its path, from 1; undefined over loopback. */
  path?: number;
  bytes: number;
  /** Bits per second. */
  rate: number;
}

/** The progress of the download. */
export interface Progress extends Omit<Report, 'subflows'> {
  /** Bits per second. */
  rate: number;
  flows: Flow[];
  /** The number of the path that is currently cut. */
  cut?: number;
}

/** The periods between changes of the paths. */
export type Phase = 'onePath' | 'twoPaths' | 'firstPathCut' | 'firstPathRestored';

export interface Result extends Progress {
  /** The mean rate of each phase, in bits per second. */
  rates: Partial<Record<Phase, number>>;
}

export interface Watcher {
  /** Reports an event, with the call or command that caused it. */
  event(what: string, how?: string): void;
  progress(progress: Progress): void;
}

/** Measures the rate of a growing byte count, in bits per second. */
class Meter {
  readonly #counts: { time: number; bytes: number }[] = [];

  add(time: number, bytes: number): number {
    this.#counts.push({ time, bytes });
    while (this.#counts[1] && this.#counts[1].time <= time - WINDOW) this.#counts.shift();
    const [first = { time, bytes }] = this.#counts;
    return rate(bytes - first.bytes, time - first.time);
  }
}

/** The rate in bits per second. */
export const rate = (bytes: number, ms: number): number =>
  ms > 0 ? Math.round((bytes * 8000) / ms) : 0;

const key = ({ local, remote }: Subflow): string =>
  [local.address, local.port, remote.address, remote.port].join(' ');

/** The client's download, followed by its reports. */
class Download {
  readonly #client: Process;
  readonly #total = new Meter();
  readonly #flows = new Map<string, Flow & { meter: Meter }>();
  readonly #rates: Partial<Record<Phase, number>> = {};
  #phase: { name: Phase; time: number; received: number } | undefined;
  #progress: Progress | undefined;
  #lastData = { time: 0, received: 0 };
  cut: number | undefined;

  constructor(
    client: Process,
    private readonly paths: readonly Path[],
    private readonly watcher: Watcher,
    private readonly signal: AbortSignal,
  ) {
    this.#client = client;
  }

  /** Follows the download until a condition holds; returns false if it ends before. */
  async until(holds: (progress: Progress) => boolean): Promise<boolean> {
    while (this.#progress === undefined || this.#progress.received < this.#progress.size) {
      this.signal.throwIfAborted();
      this.#progress = this.#process(await this.#client.json<Report>());
      this.watcher.progress(this.#progress);
      if (holds(this.#progress)) return true;
    }
    return false;
  }

  reaches(share: number): Promise<boolean> {
    return this.until(({ received, size }) => received >= share * size);
  }

  carries(path: number): Promise<boolean> {
    const before = this.#bytes(path);
    return this.until(() => this.#bytes(path) > before);
  }

  /** Begins a phase in which the paths stay unchanged. */
  begin(name: Phase): void {
    const { time = 0, received = 0 } = this.#progress ?? {};
    this.#phase = { name, time, received };
  }

  end(): void {
    if (this.#phase === undefined || this.#progress === undefined) return;
    const { name, time, received } = this.#phase;
    this.#rates[name] = rate(this.#progress.received - received, this.#progress.time - time);
    this.#phase = undefined;
  }

  async finish(): Promise<Result> {
    await this.until(() => false);
    this.end();
    await this.#client.success();
    if (this.#progress === undefined) throw new Error('the client did not report');
    return { ...this.#progress, rates: this.#rates };
  }

  #bytes(path: number): number {
    const flows = Array.from(this.#flows.values()).filter((flow) => flow.path === path);
    return flows.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #process({ subflows, ...report }: Report): Progress {
    const { time, received } = report;
    if (received > this.#lastData.received) this.#lastData = { time, received };
    if (time - this.#lastData.time > PATIENCE)
      throw new Error(`No data arrived for ${PATIENCE / 1000} s`);
    for (const flow of this.#flows.values()) flow.rate = 0; // a closed subflow is not reported
    for (const subflow of subflows) this.#add(subflow, time);
    return {
      ...report,
      rate: this.#total.add(time, received),
      flows: Array.from(this.#flows.values(), ({ meter: _, ...flow }) => flow),
      ...(this.cut === undefined ? {} : { cut: this.cut }),
    };
  }

  #add(subflow: Subflow, time: number): void {
    const { id, local, remote, tcpInfo } = subflow;
    const path = this.paths.findIndex(({ client }) => client.address === local.address) + 1;
    const meter = this.#flows.get(key(subflow))?.meter ?? new Meter();
    const bytes = tcpInfo.bytesReceived ?? 0;
    this.#flows.set(key(subflow), {
      ...(id === undefined ? {} : { id }),
      ...(path === 0 ? {} : { path }),
      ...{ local, remote, bytes, meter },
      rate: meter.add(time, bytes),
    });
  }
}

/** Changes the paths in the course of a download. */
async function changePaths(
  download: Download,
  [first, second]: readonly [Path, Path],
  pathManager: PathManager,
  watcher: Watcher,
): Promise<void> {
  download.begin('onePath');
  await download.reaches(ADD_SECOND_PATH);
  download.end();

  const { address, device } = second.client;
  await pathManager.endpoints.add({ address, interface: device, subflow: true });
  const how = `endpoints.add({ address: '${address}', interface: '${device}', subflow: true })`;
  watcher.event('Path 2 added', how);
  if (!(await download.carries(2))) return;
  watcher.event('Path 2 carries data');
  download.begin('twoPaths');
  await download.reaches(CUT_FIRST_PATH);
  download.end();

  first.cut({ link: true });
  download.cut = 1;
  watcher.event('Path 1 cut', `ip link set ${first.client.device} down`);
  download.begin('firstPathCut');
  await download.reaches(RESTORE_FIRST_PATH);
  download.end();

  await first.restore();
  download.cut = undefined;
  watcher.event('Path 1 restored', `ip link set ${first.client.device} up`);
  if (!(await download.carries(1))) return;
  watcher.event('Path 1 carries data again');
  download.begin('firstPathRestored');
}

/** Downloads the served file. */
export async function download(
  network: Network,
  files: Files,
  watcher: Watcher,
  signal: AbortSignal,
): Promise<Result> {
  const start = (side: 'client' | 'server', ...args: string[]): Process =>
    network.start(side, resolve('examples', 'demo', `${side}.mjs`), ...args);
  const server = start('server', files.key, files.certificate, files.served);
  const [, port = ''] = await server.line(/^listening on port (\d+)$/);
  const url = `https://${network.address}:${port}/`;
  const client = start('client', url, files.certificate, files.received);

  watcher.event(`Downloading ${url}`);
  const running = new Download(client, network.paths, watcher, signal);
  await running.until(({ received }) => received > 0);
  const [first, second] = network.paths;
  if (first && second) {
    await using pathManager = await PathManager.open({ netns: first.client.namespace.name });
    await changePaths(running, [first, second], pathManager, watcher);
  }
  return running.finish();
}
