/** Flows: connections between peers that carry bytes in one direction until they are stopped. */
import type { Peer, Role } from './peer';

/** Starts a server whose connections send or receive; returns its port. */
export const serveFlows = (peer: Peer, role: Role, host = '::'): Promise<number> =>
  peer.run(
    ({ net, listen, flow }, of, at) =>
      listen(
        net.createServer((socket) => void flow(socket, of)),
        at,
      ),
    role,
    host,
  );

/** Opens a further connection; returns the number of its flow once it is connected. */
export const connectFlow = (peer: Peer, role: Role, host: string, port: number): Promise<number> =>
  peer.run(
    async ({ net, once, flow, state }, ...[of, at, to]) => {
      const socket = net.connect(to, at);
      flow(socket, of);
      await once(socket, 'connect');
      return state.flows.length - 1;
    },
    role,
    host,
    port,
  );

/** Waits until a flow has received `bytes` more. */
export const receiveMore = (peer: Peer, bytes: number, flow = 0): Promise<void> =>
  peer.run(
    async ({ state, until }, more, number) => {
      await until(() => state.flows[number]);
      const each = state.flows[number]!;
      const before = each.received;
      await until(() => each.received >= before + more, 30_000);
    },
    bytes,
    flow,
  );

/** Returns the longest stall since the previous call, in milliseconds, and resets it. */
export const stallOf = (peer: Peer, flow = 0): Promise<number> =>
  peer.run(({ state }, number) => {
    const each = state.flows[number]!;
    const { stall } = each;
    each.stall = 0;
    return stall;
  }, flow);

/** Ends a flow, and expects that the receiver got exactly what was sent. */
export async function endFlow(sender: Peer, receiver: Peer, flow = 0): Promise<void> {
  await sender.run(({ state }, number) => {
    state.flows[number]!.sent!.stop();
  }, flow);
  const received = await receiver.run(({ state }, number) => state.flows[number]!.done, flow);
  const sha256 = await sender.run(({ state }, number) => state.flows[number]!.sent!.digest(), flow);
  expect(received!.sha256).toBe(sha256);
}

/** The local addresses of a flow's established subflows, sorted. */
export const pathsOf = (peer: Peer, flow = 0): Promise<string[]> =>
  peer.run(({ state }, number) => {
    const ESTABLISHED = 1;
    return state.flows[number]!.connection.subflows()
      .filter(({ tcpInfo }) => tcpInfo.state === ESTABLISHED)
      .map(({ local }) => local.address)
      .sort();
  }, flow);

/** Waits until a flow's established subflows have exactly these local addresses. */
export const untilPaths = (peer: Peer, addresses: readonly string[], flow = 0): Promise<void> =>
  peer.run(
    async ({ state, until }, expected, number) => {
      const { connection } = state.flows[number]!;
      const current = (): string =>
        connection
          .subflows()
          .filter(({ tcpInfo }) => tcpInfo.state === 1)
          .map(({ local }) => local.address)
          .sort()
          .join();
      await until(() => current() === [...expected].sort().join(), 30_000);
    },
    addresses,
    flow,
  );

/** Waits until the subflow with a local address has nothing unsent or unacknowledged. */
export const drained = (peer: Peer, address: string, flow = 0): Promise<void> =>
  peer.run(
    async ({ state, until }, local, number) => {
      const { connection } = state.flows[number]!;
      const path = () => connection.subflows().find((each) => each.local.address === local);
      await until(() => {
        const { unacked = 0, notsentBytes = 0 } = path()?.tcpInfo ?? {};
        return unacked === 0 && notsentBytes === 0;
      }, 30_000);
    },
    address,
    flow,
  );
