/** Tests of connecting over paths that drop SYNs with MPTCP options, or every packet. */
import type { AddressInfo } from 'node:net';
import { describeKernel } from '../lab/jest';
import { blackhole, dropSyn } from '../lab/middleboxes';
import type { Path } from '../lab/path';
import { FAMILIES } from '../lab/path-end';
import { Hosts } from '../lab/topologies';
import { echoes, KINDS } from './peers/echoes';
import { type Inside, Peer, type Protocol } from './peers/peer';

/** The most time that connecting may take beyond plain TCP. */
const MOST = 2000; // ms
/** More time than connecting takes without a retransmitted SYN. */
const IMMEDIATE = 1000; // ms

const status = ({ state }: Inside) => state.connection.status;

describeKernel('a path that drops SYNs with MPTCP options', { needs: ['nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    let lab: Hosts<readonly [Path]>;
    let server: Peer;
    let client: Peer;
    let address: string;

    beforeAll(async () => {
      lab = await Hosts.connect([{}], { family });
      lab.paths[0].insert(dropSyn);
      // Like kernels before 6.12, this one never retries without the option.
      lab.client.sysctl('net.mptcp.syn_retrans_before_tcp_fallback', 127);
      address = lab.paths[0].server.address;
      for (let i = 2; i < 9; i++)
        lab.server.ip('address', 'add', address.replace(/1$/, String(i)), 'dev', 'eth1');
      server = await Peer.start(lab.server);
    });
    afterAll(() => lab.dispose());
    beforeEach(async () => {
      client = await Peer.start(lab.client);
    });
    afterEach(() => client.stop());

    test.each(KINDS)('%s connects over TCP soon, and the next time immediately', async (kind) => {
      const { serve, ask } = echoes[kind];
      const port = await server.run(serve);
      const target = { host: address, port };

      const tcp = await client.run(ask, 'tcp', target);
      const mptcp = await client.run(ask, 'mptcp', target);

      expect(mptcp).toMatchObject({ answer: 'hello', status: 'fallback' });
      expect(mptcp.took - tcp.took).toBeLessThan(MOST);
      expect(await server.run(status)).toBe('fallback');
      const next = await client.run(ask, 'mptcp', target);
      expect(next).toMatchObject({ answer: 'hello', status: 'fallback' });
      expect(next.took).toBeLessThan(IMMEDIATE);
    });

    test.each(['net', 'tls'] as const)(
      '%s connects over TCP soon with Happy Eyeballs',
      async (kind) => {
        const { serve, ask } = echoes[kind];
        const port = await server.run(serve);
        const addresses = Array.from({ length: 8 }, (_, index) =>
          address.replace(/1$/, String(index + 1)),
        );
        const target = { host: 'server.example', port, addresses };

        const tcp = await client.run(ask, 'tcp', target);
        const mptcp = await client.run(ask, 'mptcp', target);

        expect(mptcp).toMatchObject({ answer: 'hello', status: 'fallback' });
        expect(mptcp.took - tcp.took).toBeLessThan(MOST);
      },
    );

    test('a client with a local address connects over TCP soon', async () => {
      const { serve, ask } = echoes.net;
      const port = await server.run(serve);
      const target = { host: address, port, localAddress: lab.paths[0].client.address };
      const mptcp = await client.run(ask, 'mptcp', target);
      expect(mptcp).toMatchObject({ answer: 'hello', status: 'fallback' });
      expect(mptcp.took).toBeLessThan(MOST);
      expect(await client.run(({ state }) => state.socket.localAddress)).toBe(target.localAddress);
    });
  });
});

describeKernel('a path that drops everything', { needs: ['nft'] }, () => {
  test.each(FAMILIES)('IPv%s: connecting fails with ETIMEDOUT, as over TCP', async (family) => {
    await using lab = await Hosts.connect([{}], { family });
    lab.client.sysctl('net.ipv4.tcp_syn_retries', 1);
    lab.client.sysctl('net.ipv4.tcp_syn_linear_timeouts', 0);
    lab.paths[0].insert(blackhole);
    const client = await Peer.start(lab.client);
    const fail = (protocol: Protocol) =>
      client.run(
        ({ modules, once }, protocol, host) => {
          const socket = modules(protocol).net.connect(443, host);
          return once(socket, 'connect').then(
            () => undefined,
            (error: unknown) => {
              const { code, errno, syscall, address, port, message } =
                error as NodeJS.ErrnoException & AddressInfo;
              return { code, errno, syscall, address, port, message };
            },
          );
        },
        protocol,
        lab.paths[0].server.address,
      );
    const [tcp, mptcp] = await Promise.all([fail('tcp'), fail('mptcp')]);
    expect(tcp).toMatchObject({ code: 'ETIMEDOUT', syscall: 'connect' });
    expect(mptcp).toEqual(tcp);
  });
});
