/** Tests what a `Connection` reports of its socket. */
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { Peer } from './peers/peer';

/** Beside what ss says of the same connection. */
describeKernel('connectionOf', {}, () => {
  test.each(FAMILIES)('IPv%s: token, info and subflows are what ss shows', async (family) => {
    await using lab = await twoPaths({ family });
    const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    const port = await server.run(echoes.net.serve);
    await client.run(echoes.net.ask, 'mptcp', { host: lab.paths[0].server.address, port });
    await client.run(({ state, until }) =>
      until(() => {
        const ESTABLISHED = 1;
        const subflows = state.connection.subflows();
        return subflows.filter(({ tcpInfo }) => tcpInfo.state === ESTABLISHED).length === 2;
      }),
    );

    const seen = await client.run(({ state: { connection } }) => ({
      token: connection.token,
      info: connection.info(),
      subflows: connection.subflows(),
      serverSide: connection.serverSide,
    }));
    const ss = lab.client.exec('ss', ['-MniHO', 'dport', '=', `:${port}`]);
    expect(ss).toContain(`token:${seen.token!.toString(16)} `);
    expect(ss).toContain(`subflows:${seen.info.subflows}`);
    expect(seen).toMatchObject({ serverSide: false, info: { bytesSent: 5, bytesReceived: 5 } });

    const paths = lab.paths.map(({ client: end }) => ({
      local: { address: end.address, family: `IPv${family}` },
      remote: { address: lab.paths[0].server.address, port },
      interface: end.device,
    }));
    expect(seen.subflows).toMatchObject(paths);
    const tcp = lab.client.exec('ss', ['-tniHO', 'dport', '=', `:${port}`]);
    for (const { local, tcpInfo } of seen.subflows) {
      const line = tcp.split('\n').find((each) => each.includes(`:${local.port} `));
      expect(line).toContain(`mss:${tcpInfo.sndMss}`);
      expect(line).toContain(`pmtu:${tcpInfo.pmtu}`);
      expect(tcpInfo.rtt).toBeGreaterThan(0);
    }

    const atServer = await server.run(({ state: { connection } }) => ({
      token: connection.token,
      serverSide: connection.serverSide,
    }));
    expect(atServer.serverSide).toBe(true);
    expect(lab.server.exec('ss', ['-MniHO', 'sport', '=', `:${port}`])).toContain(
      `token:${atServer.token!.toString(16)} `,
    );
  });
});
