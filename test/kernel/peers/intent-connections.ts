/** Connections with an intent, over which a server sends for as long as its client reads. */
import type { HintResult, SchedulingHints } from '../../../lib';
import type { Inside, State } from './peer';

/** Takes over the path management of the peer's namespace. */
export const takeOver = async ({ mptcp, state }: Inside): Promise<void> => {
  state.pathManager = await mptcp.PathManager.open();
  await state.pathManager.mode.set('userspace');
};

/** Starts a server that sends on each connection, and keeps the last one; returns its port. */
export const serveBytes = (
  { mptcp, net, listen, bytes, state }: Inside,
  hints: SchedulingHints = {},
): Promise<number> => {
  delete (state as Partial<State>).connection; // that of an earlier server
  return listen(
    net.createServer({ mptcp: { hints } }, (socket) => {
      state.connection = mptcp.connectionOf(socket);
      bytes(Infinity).pipe(socket.on('error', () => undefined));
    }),
  );
};

/** Opens a further connection with these hints, and reads from it. */
export const openWith = async (
  { net, mptcp, once, state }: Inside,
  target: { host: string; port: number },
  hints: SchedulingHints,
): Promise<void> => {
  const socket = net.connect({ ...target, mptcp: { hints } });
  state.socket = socket;
  state.connection = mptcp.connectionOf(socket);
  state.received = 0;
  socket.on('error', () => undefined).on('data', ({ length }) => (state.received += length));
  await once(socket, 'connect');
};

/** Waits for the result of an intent given at creation, and returns the results of all hints. */
export const intentResults = async ({ state, until }: Inside): Promise<readonly HintResult[]> => {
  const ofIntent = ({ hint }: HintResult): boolean => hint === 'intent';
  await until(() => 'connection' in state && state.connection.hints.some(ofIntent));
  return state.connection.hints;
};

/** The share of the next `bytes` that arrives over the second interface, from 0 to 1. */
export const shareOfSecond = async ({ state, until }: Inside, bytes: number): Promise<number> => {
  const read = (): [number, number] => {
    const counts: [number, number] = [0, 0];
    for (const { interface: name, tcpInfo } of state.connection.subflows()) {
      counts[name === 'eth2' ? 1 : 0] += tcpInfo.bytesReceived ?? 0;
    }
    return counts;
  };
  const before = read();
  const grown = () => read().map((now, i) => now - before[i]!) as [number, number];
  await until(() => grown()[0] + grown()[1] > bytes, 30_000);
  const [first, second] = grown();
  return second / (first + second);
};

/** Waits until the connection's established subflows use exactly these interfaces, named in order. */
export const untilOn = ({ state, until }: Inside, ...names: string[]): Promise<void> =>
  until(() => {
    const open = state.connection.subflows().filter(({ tcpInfo }) => tcpInfo.state === 1);
    const used = new Set(open.map((each) => each.interface));
    return Array.from(used).sort().join() === names.join();
  }, 30_000);
