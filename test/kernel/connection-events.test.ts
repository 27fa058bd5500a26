/** Tests the events and samples of a connection, with and without privilege. */
import type { ConnectionEvent, ConnectionSample } from '../../lib';
import { describeKernel } from '../lab/jest';
import { clampMss, loss, rewrite, stripOptions } from '../lab/middleboxes';
import { FAMILIES } from '../lab/path-end';
import { Hosts, twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';
import { downloads, ENDLESS } from './peers/downloads';

/** Notes every event of the connection in `state.messages`. */
const listen = ({ state }: Inside) => {
  const seen: unknown[] = (state.messages = []);
  const note = (event: unknown) => void seen.push(event);
  state.connection.on('subflowEstablished', note).on('subflowClosed', note);
  state.connection.on('fallback', note).on('closed', note);
};
const eventsOf = (peer: Peer) => peer.run(({ state }) => state.messages as ConnectionEvent[]);
const untilTold = (peer: Peer, type: string, timeout = 30_000) =>
  peer.run(
    ({ state, until }, name, longest) =>
      until(
        () => (state.messages as ConnectionEvent[]).some((event) => event.type === name),
        longest,
      ),
    type,
    timeout,
  );
/** ms: the peer of a side that has fallen back learns it from a retransmission. */
const RETRANSMITTED = 100_000;

/** Rates and counts are what the kernel's counters have grown by; the rest is as it says. */
function checkCounters(samples: readonly ConnectionSample[]): void {
  samples.slice(1).forEach(({ elapsed, paths }, index) => {
    for (const path of paths) {
      const { subflow, rtt, cwnd, retransmissions, loss: share } = path;
      const before = samples[index]!.paths.find(
        (each) =>
          each.subflow.local.port === subflow.local.port &&
          each.subflow.remote.port === subflow.remote.port,
      )!.subflow.tcpInfo;
      const now = subflow.tcpInfo;
      const grown = (name: 'bytesAcked' | 'bytesReceived' | 'totalRetrans' | 'dataSegsOut') =>
        now[name]! - before[name]!;
      expect(path.sendRate).toBeCloseTo(grown('bytesAcked') / (elapsed / 1000));
      expect(path.receiveRate).toBeCloseTo(grown('bytesReceived') / (elapsed / 1000));
      expect({ rtt, cwnd, retransmissions }).toEqual({
        rtt: now.rtt,
        cwnd: now.sndCwnd,
        retransmissions: grown('totalRetrans'),
      });
      const sent = grown('dataSegsOut');
      expect(share).toBe(sent > 0 ? Math.min(1, retransmissions / sent) : undefined);
    }
  });
}

describeKernel('events of a connection', { needs: ['nft', 'tc'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    const connected = async (lab: Hosts) => {
      const [server, client] = await Promise.all([
        Peer.start(lab.server, { unprivileged: true }),
        Peer.start(lab.client, { unprivileged: true }),
      ]);
      const port = await server.run(echoes.net.serve);
      const host = lab.paths[0]!.server.address;
      await client.run(echoes.net.ask, 'mptcp', { host, port });
      return { server, client };
    };

    test('subflowEstablished, subflowClosed and closed, on both sides, without privilege', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { server, client } = await connected(lab);
      const peers = [client, server];
      for (const peer of peers) await peer.run(listen);
      const [, second] = lab.paths;

      second.client.addEndpoint('subflow', 'id', '7');
      for (const peer of peers) await untilTold(peer, 'subflowEstablished');
      lab.client.ip('mptcp', 'endpoint', 'delete', 'id', '7');
      for (const peer of peers) await untilTold(peer, 'subflowClosed');
      await client.run(({ state }) => void state.socket.end());
      for (const peer of peers) await untilTold(peer, 'closed');

      for (const [peer, near] of [
        [client, 'local'],
        [server, 'remote'],
      ] as const) {
        const [opened, gone, closed, ...more] = await eventsOf(peer);
        const subflow = { [near]: { address: second.client.address } };
        expect(opened).toMatchObject({ type: 'subflowEstablished', source: 'watch', subflow });
        expect(gone).toMatchObject({ type: 'subflowClosed', source: 'watch', subflow });
        expect(closed).toMatchObject({
          type: 'closed',
          source: 'watch',
          info: { bytesSent: 5, bytesReceived: 5 },
          subflows: [{ tcpInfo: { bytesSent: 5 } }],
        });
        expect(more).toEqual([]);
      }
    });

    test('the totals of every subflow add up to the download', async () => {
      const paths = [{ rate: '50mbit' }, { rate: '50mbit' }] as const;
      await using lab = await twoPaths({ family, paths });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const length = 4 << 20;
      const port = await server.run(downloads.net.serve, length);
      const received = client.run(downloads.net.fetch, lab.paths[0].server.address, port);
      await client.run(listen); // before anything has come
      await received;
      await untilTold(client, 'closed');

      const events = await eventsOf(client);
      expect(events.filter(({ type }) => type === 'subflowClosed')).toEqual([]);
      const closed = events.at(-1);
      const { subflows } = closed as Extract<ConnectionEvent, { type: 'closed' }>;
      expect(subflows).toHaveLength(2);
      const sum = subflows.reduce((all, { tcpInfo }) => all + (tcpInfo.bytesReceived ?? 0), 0);
      expect(sum).toBeGreaterThanOrEqual(length);
    });

    test('a peer that is gone: closed, with what was last seen', async () => {
      await using lab = await twoPaths({ family });
      const { server, client } = await connected(lab);
      await server.run(({ state, until }) => until(() => state.connection.subflows().length === 2));
      await client.run(({ state }) => void state.socket.on('error', () => undefined));
      await client.run(listen);
      await server.process.kill('SIGKILL');
      await client.run(({ state }) => void state.socket.write('x'));
      await untilTold(client, 'closed');

      const closed = (await eventsOf(client)).at(-1);
      expect(closed).toMatchObject({ type: 'closed' });
      const { subflows } = closed as Extract<ConnectionEvent, { type: 'closed' }>;
      expect(subflows.length).toBeGreaterThan(0);
    });

    test('resetAndDestroy(): closed, with the totals', async () => {
      await using lab = await twoPaths({ family });
      const { client } = await connected(lab);
      await client.run(listen);
      await client.run(({ state }) => void state.socket.resetAndDestroy());
      await untilTold(client, 'closed');
      expect((await eventsOf(client)).at(-1)).toMatchObject({ info: { bytesSent: 5 } });
      expect(await client.run(({ state }) => state.connection.status)).toBe('mptcp');
    });

    test('fallback, when the connection is made, with and without privilege', async () => {
      await using lab = await Hosts.connect([{ router: true }], { family });
      lab.paths[0].insert(stripOptions);
      const [server, ...clients] = await Promise.all([
        Peer.start(lab.server),
        Peer.start(lab.client),
        Peer.start(lab.client, { unprivileged: true }),
      ]);
      const port = await server.run(echoes.net.serve);
      for (const client of clients) {
        await client.run(
          ({ mptcp, net, state }, host, at) => {
            state.socket = net.connect(at, host);
            state.connection = mptcp.connectionOf(state.socket);
            state.messages = [];
            for (const name of ['fallback', 'closed'] as const) {
              state.connection.on(name, (event: unknown) => void state.messages.push(event));
            }
          },
          lab.paths[0].server.address,
          port,
        );
        await untilTold(client, 'fallback');
        await client.run(({ state }) => void state.socket.destroy());
        await untilTold(client, 'closed');

        expect(await eventsOf(client)).toEqual([
          { type: 'fallback', source: 'watch' },
          { type: 'closed', source: 'watch', subflows: [expect.objectContaining({})] },
        ]);
      }
    });

    test(
      'fallback while it lives, on both sides, with and without privilege',
      async () => {
        await using lab = await Hosts.connect([{ router: true, rate: '50mbit' }], { family });
        for (const host of [lab.client, lab.server]) host.sysctl('net.mptcp.checksum_enabled', 1);
        const [path] = lab.paths;
        path.insert(clampMss(1380));
        const pairs = await Promise.all(
          [false, true].map(async (unprivileged) => {
            const [server, client] = await Promise.all([
              Peer.start(lab.server, { unprivileged }),
              Peer.start(lab.client, { unprivileged }),
            ]);
            const port = await server.run(downloads.net.serve, ENDLESS);
            // Linux can lose what is in flight at such a fallback: its end is not awaited.
            client.run(downloads.net.fetch, path.server.address, port).catch(() => undefined);
            await client.run(({ state, until }) => until(() => state.received > 1 << 20));
            return [server, client];
          }),
        );
        const peers = pairs.flat();
        for (const peer of peers) await peer.run(listen);
        path.insert(rewrite, 'toClient');
        for (const peer of peers) await untilTold(peer, 'fallback', RETRANSMITTED);
        for (const peer of peers) {
          expect(await eventsOf(peer)).toContainEqual({ type: 'fallback', source: 'watch' });
          expect(await peer.run(({ state }) => state.connection.status)).toBe('fallback');
        }
      },
      2 * RETRANSMITTED,
    );

    test('events(): a loop that ends with the connection, or by its signal', async () => {
      await using lab = await twoPaths({ family, join: 'none' });
      const { client } = await connected(lab);
      const loop = client.run(async ({ state }) => {
        const all: string[] = [];
        for await (const { type } of state.connection.events()) all.push(type);
        return all;
      });
      const aborted = client.run(async ({ state }) => {
        const controller = new AbortController();
        const { signal } = controller;
        try {
          for await (const { type } of state.connection.events({ signal })) {
            controller.abort();
            state.events = [type];
          }
          return undefined;
        } catch (error) {
          return (error as Error).name;
        }
      });
      await client.run(() => undefined); // both loops have begun
      lab.paths[1].client.addEndpoint('subflow');
      expect(await aborted).toBe('AbortError');
      expect(await client.run(({ state }) => state.events)).toEqual(['subflowEstablished']);
      await client.run(({ state }) => void state.socket.destroy());
      expect(await loop).toEqual(['subflowEstablished', 'closed']);
    });

    test('sample(): what each path carries, and overrun for a slow reader', async () => {
      const paths = [{ rate: '40mbit' }, { rate: '20mbit' }] as const;
      await using lab = await twoPaths({ family, paths });
      const [server, client] = await Promise.all([
        Peer.start(lab.server, { unprivileged: true }),
        Peer.start(lab.client, { unprivileged: true }),
      ]);
      const port = await server.run(downloads.net.serve, ENDLESS);
      void client
        .run(downloads.net.fetch, lab.paths[0].server.address, port)
        .catch(() => undefined);
      await client.run(({ state, until }) =>
        until(() => state.received > 1 << 20 && state.connection.subflows().length === 2),
      );
      const read = async ({ state }: Inside, count: number) => {
        const samples: ConnectionSample[] = [];
        for await (const sample of state.connection.sample(200)) {
          if (sample.type === 'sample') samples.push(sample);
          if (samples.length === count) break;
        }
        return samples;
      };
      const [atClient, atServer] = await Promise.all([client.run(read, 5), server.run(read, 5)]);
      const rate = (
        samples: ConnectionSample[],
        end: 'local' | 'remote',
        index: 0 | 1,
        name: 'sendRate' | 'receiveRate',
      ) => {
        const { address } = lab.paths[index].client;
        const rates = samples.map(
          ({ paths: all }) => all.find(({ subflow }) => subflow[end].address === address)![name],
        );
        return (rates.reduce((sum, each) => sum + each, 0) * 8) / rates.length / 1e6; // Mbit/s
      };
      for (const [samples, end, name] of [
        [atClient, 'local', 'receiveRate'],
        [atServer, 'remote', 'sendRate'],
      ] as const) {
        const [first, second] = [rate(samples, end, 0, name), rate(samples, end, 1, name)];
        expect(first).toBeGreaterThan(20);
        expect(first).toBeLessThan(48);
        expect(second).toBeGreaterThan(10);
        expect(second).toBeLessThan(24);
        for (const { elapsed } of samples) expect(elapsed).toBeGreaterThan(190);
      }
      for (const { rtt, cwnd } of atServer.at(-1)!.paths) {
        expect(rtt).toBeGreaterThan(0);
        expect(cwnd).toBeGreaterThan(0);
      }
      checkCounters(atClient);
      checkCounters(atServer);

      lab.paths[1].insert(loss(5), 'toClient');
      const lossy = await server.run(async ({ state }, address) => {
        const samples: ConnectionSample[] = [];
        let lost = 0;
        for await (const sample of state.connection.sample(200)) {
          if (sample.type !== 'sample') continue;
          samples.push(sample);
          lost += sample.paths
            .filter(({ subflow }) => subflow.remote.address === address)
            .reduce((sum, { retransmissions }) => sum + retransmissions, 0);
          if (lost > 20) break;
        }
        return samples;
      }, lab.paths[1].client.address);
      checkCounters(lossy);
      const shares = lossy.flatMap(({ paths: all }) =>
        all.map(({ loss: share = 0, subflow }) => [subflow.remote.address, share] as const),
      );
      const largest = Math.max(
        ...shares.filter(([of]) => of === lab.paths[1].client.address).map(([, share]) => share),
      );
      expect(largest).toBeGreaterThan(0.005);
      expect(largest).toBeLessThanOrEqual(1);

      const types = await server.run(async ({ state, until }) => {
        let seen = 0;
        const other = state.connection.sample(1).on('sample', () => seen++);
        const stream = state.connection.sample(1, { queue: 2 });
        await until(() => seen > 20);
        const all: string[] = [];
        for (let left = 3; left > 0; left--) all.push((await stream.next()).value!.type);
        await Promise.all([stream.close(), other.close()]);
        return all;
      });
      expect(types).toEqual(['sample', 'sample', 'overrun']);
    });
  });

  test.each([
    ['ends although it is watched', '', true],
    ['goes on after ref()', '.ref()', false],
    ['ends after unref()', '.ref().unref()', true],
  ])('a process %s', async (_what, call, ends) => {
    await using lab = await Hosts.connect([{}], {});
    const program = `
      const { createServer, connect } = require('./dist/net.js');
      const { connectionOf } = require('./dist/index.js');
      const server = createServer().listen(0, '127.0.0.1', () => {
        const socket = connect(server.address().port, '127.0.0.1', () => {
          connectionOf(socket).on('subflowEstablished', () => undefined)${call};
          socket.unref();
          server.close();
          setTimeout(() => console.log('later'), 300).unref();
        });
      }).on('connection', (socket) => socket.unref());`;
    const child = lab.client.spawn(process.execPath, ['-e', program]);
    if (ends) {
      expect(await child.success()).toBe('');
    } else {
      await child.line(/later/);
      expect(child.running).toBe(true);
    }
  });
});
