/** The command line of the demo. */
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { download } from './download';
import { Files, sha256 } from './files';
import { createNetwork, type Network, NETWORKS, RATES } from './network';
import { describe } from './report';
import { summarize, type Summary } from './summary';
import { Lines, Live, type View } from './view';

const USAGE = `npm run demo -- [options]
  --size <MiB>       how much to download: 64 unless given
  --network <where>  namespaces, loopback, or auto (namespaces, else loopback)
  --json             the summary as JSON on standard output, all else on standard error`;

class UsageError extends Error {}

interface Options {
  size: number;
  network: (typeof NETWORKS)[number];
  json: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: '64' },
      network: { type: 'string', default: 'auto' },
      json: { type: 'boolean', default: false },
    },
  });
  const network = NETWORKS.find((each) => each === values.network);
  const size = Number(values.size);
  if (network === undefined) throw new UsageError(`--network is one of ${NETWORKS.join(', ')}`);
  if (!Number.isInteger(size) || size < 1) throw new UsageError('--size is a number of MiB');
  return { size, network, json: values.json };
}

/** Runs the demo, and removes everything that it has created, also after a failure. */
async function demo(
  { size, network: where, json }: Options,
  signal: AbortSignal,
): Promise<Summary> {
  const out = json ? process.stderr : process.stdout;
  await using network = await createNetwork(where, signal);
  signal.throwIfAborted();
  out.write(`${introduction(network)}\n\n`);
  await using files = await Files.make(size, network.address);
  const view: View =
    process.stdout.isTTY && !json ? await Live.open(process.stdout) : new Lines(out);
  try {
    const result = await download(network, files, view, signal);
    const [sent, received] = await Promise.all([sha256(files.served), sha256(files.received)]);
    return summarize(network, result, { sha256: sent, sha256Received: received });
  } finally {
    view.close();
  }
}

function introduction({ kind, reason }: Network): string {
  const title = pc.bold('One HTTPS download over Multipath TCP');
  if (kind === 'namespaces')
    return `${title}: two hosts, two paths of ${RATES.join(' and ')} Mbit/s.`;
  if (reason === undefined) return `${title}: over loopback.`;
  return `Two hosts with two paths are not available here: ${reason}\n${title}: over loopback instead.`;
}

async function main(): Promise<void> {
  const interruption = new AbortController();
  let interruptedBy: NodeJS.Signals | undefined;
  const interrupt = (name: NodeJS.Signals): void => {
    interruptedBy ??= name;
    interruption.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', () => interrupt('SIGPIPE')); // as under head(1), or when the terminal is closed

  try {
    const options = readOptions();
    const summary = await demo(options, interruption.signal);
    process.stdout.write(`\n${options.json ? JSON.stringify(summary) : describe(summary)}\n`);
    process.exitCode = summary.failures.length === 0 ? 0 : 1;
  } catch (error) {
    if (interruptedBy !== undefined) {
      process.stderr.write(`${interruptedBy}: cleaned up.\n`);
      process.exitCode = 128 + constants.signals[interruptedBy];
    } else {
      const { code, message } = error as NodeJS.ErrnoException;
      const usage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS') === true;
      process.stderr.write(`${pc.red(message)}\n${usage ? `${USAGE}\n` : ''}`);
      process.exitCode = usage ? 2 : 1;
    }
  }
}

void main();
