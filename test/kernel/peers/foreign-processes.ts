/**
 * Processes that speak MPTCP without this package: servers and clients on node:net under mptcpize.
 */
import type { Process } from '../../lab/process';
import type { Namespace } from '../../lab/namespace';

/** Echoes on every connection; prints its port. */
const SERVER = `
  const server = require('node:net').createServer((socket) => {
    socket.on('error', () => undefined).pipe(socket);
  });
  server.listen(Number(process.argv[2]), process.argv[1], () =>
    console.log(server.address().port));`;

/** Opens connections; each line of input closes them all, or opens as many more as it says. */
const CLIENT = `
  const net = require('node:net');
  let sockets = [];
  const open = (count) => {
    let answers = 0;
    for (let i = 0; i < count; i++) {
      const socket = net.connect(process.argv[2], process.argv[1], () => socket.write('x'));
      socket.on('error', (error) => console.log(error.code));
      socket.once('data', () => ++answers === count && console.log('open'));
      sockets.push(socket);
    }
  };
  const close = () => {
    sockets.forEach((socket) => socket.destroy());
    sockets = [];
    console.log('closed');
  };
  process.stdin.on('data', (line) => (Number(line) ? open(Number(line)) : close()))
    .on('end', () => process.exit());
  open(Number(process.argv[3]));`;

const run = (host: Namespace, script: string, ...args: (string | number)[]): Process =>
  host.spawn('mptcpize', ['run', process.execPath, '-e', script, ...args.map(String)]);

/** Starts an echo server over MPTCP in a process without this package. */
export async function foreignServer(
  host: Namespace,
  address: string,
): Promise<{ process: Process; port: number }> {
  const server = run(host, SERVER, address, 0);
  const [port] = await server.line(/^\d+$/);
  return { process: server, port: Number(port) };
}

/** A process without this package that holds connections to an echo server, all of them answered. */
export class ForeignClient {
  private constructor(readonly process: Process) {}

  static async connect(
    host: Namespace,
    address: string,
    port: number,
    count = 1,
  ): Promise<ForeignClient> {
    const client = new ForeignClient(run(host, CLIENT, address, port, count));
    await client.process.line(/^open$/);
    return client;
  }

  async open(count = 1): Promise<void> {
    this.process.stdin.write(`${count}\n`);
    await this.process.line(/^open$/);
  }

  async close(): Promise<void> {
    this.process.stdin.write('\n');
    await this.process.line(/^closed$/);
  }
}
