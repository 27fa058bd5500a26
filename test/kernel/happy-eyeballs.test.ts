/** Tests of sockets that try several addresses in turn, some of which never answer. */
import { describeKernel } from '../lab/jest';
import { blackhole, dropSyn } from '../lab/middleboxes';
import { FAMILIES } from '../lab/path-end';
import { Hosts, twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';

interface Tried {
  addresses: readonly string[];
  port: number;
  /** Milliseconds that each attempt has. */
  timeout: number;
}

/** Counts the connections that the server has accepted in `state.received`. */
const serve = ({ net, listen, state }: Inside) => {
  state.received = 0;
  const server = net.createServer((socket) => {
    state.received++;
    socket.on('error', () => undefined).pipe(socket);
  });
  return listen(server);
};

const ask = async (
  { net, mptcp, once, record, resolving }: Inside,
  { addresses, port, timeout }: Tried,
) => {
  const retries = record('mptcp:tcp-retry');
  const socket = net.connect({
    ...{ host: 'server.example', port, autoSelectFamilyAttemptTimeout: timeout },
    ...resolving(addresses),
  });
  await once(socket, 'connect');
  socket.write('hello');
  const answer = String((await once(socket, 'data'))[0]);
  const { status } = mptcp.connectionOf(socket);
  socket.end();
  await once(socket, 'close');
  return { answer, status, retries: retries.length };
};

describeKernel('addresses that are tried in turn', { needs: ['nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    test.each([
      ['one dark address with much time', 1, 2500],
      ['many dark addresses with little time each', 7, 250],
    ])('%s: the next one gets one connection, over MPTCP', async (_name, dark, timeout) => {
      await using lab = await twoPaths({ family, join: 'none' });
      const [{ server: alive }, { server: silent }] = lab.paths;
      const nth = (index: number): string => silent.address.replace(/1$/, String(index + 1));
      const addresses = Array.from({ length: dark }, (_, index) => nth(index));
      for (const address of addresses.slice(1))
        lab.server.ip('address', 'add', address, 'dev', silent.device);
      lab.paths[1].insert(blackhole);
      const [server, client] = [await Peer.start(lab.server), await Peer.start(lab.client)];
      const port = await server.run(serve);
      const tried = { addresses: [...addresses, alive.address], port, timeout };
      const right = { answer: 'hello', status: 'mptcp', retries: 0 };
      expect(await client.run(ask, tried)).toEqual(right);
      expect(await server.run(({ state }) => state.received)).toBe(1);
      // Nothing was remembered about the address.
      expect(
        await client.run(echoes.net.ask, 'mptcp', { host: alive.address, port }),
      ).toMatchObject({ status: 'mptcp' });
    });

    test('a path without MPTCP is remembered after two attempts, until the network changes', async () => {
      await using lab = await Hosts.connect([{}], { family });
      const [{ server: end, client: own }] = lab.paths;
      lab.client.sysctl('net.mptcp.syn_retrans_before_tcp_fallback', 127);
      const second = end.address.replace(/1$/, '2');
      lab.server.ip('address', 'add', second, 'dev', end.device);
      const repair = lab.paths[0].insert(dropSyn);
      const [server, client] = [await Peer.start(lab.server), await Peer.start(lab.client)];
      const port = await server.run(serve);
      const tried = { addresses: [end.address, second], port, timeout: 250 };
      expect(await client.run(ask, tried)).toMatchObject({ status: 'fallback', retries: 1 });
      const again = () => client.run(echoes.net.ask, 'mptcp', { host: second, port });
      const next = await again();
      expect(next.status).toBe('fallback');
      expect(next.took).toBeLessThan(1000);

      repair();
      expect(await again()).toMatchObject({ status: 'fallback' });
      lab.client.ip('address', 'add', own.address.replace(/\d+$/, '77'), 'dev', own.device);
      await client.run(
        async ({ mptcp, net, once }, host, number) => {
          for (;;) {
            const socket = net.connect(number, host);
            await once(socket, 'connect');
            const { status } = mptcp.connectionOf(socket);
            socket.destroy();
            if (status === 'mptcp') return;
            await new Promise(setImmediate);
          }
        },
        second,
        port,
      );
    });
  });
});
