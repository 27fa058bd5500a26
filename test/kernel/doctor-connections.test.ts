/**
 * Tests of the faults that doctor() finds by connections, listeners and counters: each is planted on
 * hosts of the lab with programs that connect, and a sound client and server have no finding.
 */
import { doctor, type DoctorOptions, type DoctorReport, type Finding } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { dropSyn, rewrite } from '../lab/middleboxes';
import type { Namespace } from '../lab/namespace';
import type { Path } from '../lab/path';
import { type Hosts, twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { type Inside, Peer } from './peers/peer';

type TwoPaths = Hosts<readonly [Path, Path]>;

const examine = (host: Namespace, options: DoctorOptions = {}): Promise<DoctorReport> =>
  doctor({ netns: host.name, ...options });

const find = ({ findings }: DoctorReport, id: string): Finding => {
  const finding = findings.find((each) => each.id === id);
  if (finding) return finding;
  throw new Error(`${id} was not found: ${JSON.stringify(findings, undefined, 2)}`);
};

/** Listens, at one address or at all, and echoes. */
const serve = async ({ net, listen, state }: Inside, host?: string): Promise<number> => {
  state.sockets = [];
  state.server = net.createServer((socket) => {
    state.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  return await listen(state.server, host);
};

/** Connects, and sends a byte back and forth, after which the connection is fully established. */
const connect = async (
  { net, mptcp, once, state }: Inside,
  host: string,
  port: number,
): Promise<string> => {
  const socket = net.connect(port, host);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('x');
  await once(socket, 'data');
  state.socket = socket;
  return mptcp.connectionOf(socket).status;
};

describeKernel('doctor() on hosts with connections', { needs: ['nft'] }, () => {
  let hosts: TwoPaths;
  let server: Peer;
  let client: Peer;

  const begin = async (options: Parameters<typeof twoPaths>[0] = {}): Promise<void> => {
    hosts = await twoPaths(options);
    for (const host of [hosts.client, hosts.server]) {
      host.sysctl('net.ipv4.tcp_congestion_control', 'reno');
    }
    [server, client] = await Promise.all([Peer.start(hosts.server), Peer.start(hosts.client)]);
  };
  afterEach(() => hosts.dispose());

  /** Connects to the first address of the server. */
  const open = async (host?: string): Promise<string> => {
    const port = await server.run(serve, host);
    return client.run(connect, hosts.paths[0].server.address, port);
  };
  const joined = (): Promise<true> =>
    until('the second path is used', () => {
      const { MPTcpExtMPJoinAckRx = 0 } = hosts.server.counters();
      return MPTcpExtMPJoinAckRx > 0;
    });

  test.each(['client', 'server'] as const)(
    'finds nothing where the %s adds the second path',
    async (join) => {
      await begin({ join });
      expect(await open()).toBe('mptcp');
      await joined();
      for (const host of [hosts.client, hosts.server]) {
        expect((await examine(host)).findings).toEqual([]);
      }
    },
  );

  test('MPD203: announced addresses are not accepted', async () => {
    await begin({ join: 'server' });
    hosts.client.limits({ subflows: 8, addAddrAccepted: 0 });
    hosts.client.ip('mptcp', 'endpoint', 'add', hosts.paths[1].client.address, 'subflow');
    await open();
    await until('the announcement has arrived', () => {
      return (hosts.client.counters().MPTcpExtAddAddr ?? 0) > 0;
    });
    const { mend } = find(await examine(hosts.client), 'MPD203');
    expect(mend).toBe('ip mptcp limits set add_addr_accepted 2');
    hosts.client.exec('sh', ['-c', mend!]);
    expect((await examine(hosts.client)).findings).toEqual([]);
  });

  test('MPD209: a server with subflow endpoints alone', async () => {
    await begin({ join: 'none' });
    hosts.paths[1].server.addEndpoint('subflow');
    await server.run(serve);
    const { mend } = find(await examine(hosts.server), 'MPD209');
    hosts.server.exec('sh', ['-c', mend!]);
    expect((await examine(hosts.server)).findings).toEqual([]);
    expect(hosts.server.ip('mptcp', 'endpoint')).toMatch(/signal dev eth2/);
  });

  test('MPD211: endpoints of another family', async () => {
    await begin({ join: 'none' });
    hosts.client.addEndpoint(hosts.paths[1].client.addresses[6], 'subflow');
    await open();
    expect(find(await examine(hosts.client), 'MPD211').message).toMatch('IPv4');
  });

  test('MPD212: an IPv6 announcement with a port', async () => {
    await begin({ join: 'none', family: 6 });
    const { address } = hosts.paths[1].server;
    hosts.server.addEndpoint(address, 'dev', 'eth2', 'signal', 'port', '5001');
    await open();
    await until('the announcement was given up', () => {
      return (hosts.server.counters().MPTcpExtAddAddrTxDrop ?? 0) > 0;
    });
    const { mend } = find(await examine(hosts.server), 'MPD212');
    hosts.server.exec('sh', ['-c', mend!]);
    expect((await examine(hosts.server)).findings).toEqual([]);
  });

  test('MPD302: connections of a path manager that is gone, and of another process', async () => {
    await begin();
    await client.run(async ({ mptcp, state }) => {
      state.pathManager = await mptcp.PathManager.open();
      await state.pathManager.mode.set('userspace');
    });
    await open();
    expect(find(await examine(hosts.client), 'MPD302')).toMatchObject({ severity: 'info' });
    await client.run(({ state }) => state.pathManager.close());
    expect(find(await examine(hosts.client), 'MPD302')).toMatchObject({ severity: 'warning' });
  });

  test.each(['mptcpd', 'NetworkManager'])('MPD303: %s runs here', async (name) => {
    await begin();
    // The shell writes the name under which the kernel lists it, and waits for the end of the test.
    const program = hosts.client.spawn('bash', ['-c', `printf ${name} > /proc/$$/comm; read -r _`]);
    const finding = await until(`${name} runs`, async () => {
      const { findings } = await examine(hosts.client);
      return findings.find(({ id }) => id === 'MPD303');
    });
    expect(finding.evidence).toContainEqual({ name, value: `pid ${program.pid}` });
    // Its network namespace is not that of the server.
    const { findings } = await examine(hosts.server);
    expect(findings.map(({ id }) => id)).not.toContain('MPD303');
  });

  test('MPD403: a server has dropped packets by rp_filter', async () => {
    // Without routers, the server would not even answer the question for its link address.
    await begin({ join: 'none', paths: [{ router: true }, { router: true }] });
    // The answer to the client would leave through another interface.
    for (const name of ['eth1', 'eth2']) {
      hosts.server.sysctl(`net.ipv4.conf.${name}.rp_filter`, 1);
    }
    const [first, second] = hosts.paths;
    const { device } = second.server;
    const via = ['via', second.server.address.replace(/1$/, '254'), 'dev', device];
    hosts.server.ip('route', 'add', `${first.client.address}/32`, ...via);
    const port = await server.run(serve, undefined);
    await client.run(
      ({ net, state }, host, to) => {
        state.socket = net.connect(to, host).on('error', () => undefined);
      },
      hosts.paths[0].server.address,
      port,
    );
    await until('a packet was dropped', () => {
      return (hosts.server.counters().TcpExtIPReversePathFilter ?? 0) > 0;
    });
    expect(find(await examine(hosts.server), 'MPD403').severity).toBe('warning');
  });

  test('MPD502: SYNs with MPTCP are lost', async () => {
    await begin({ join: 'none' });
    hosts.paths[0].insert(dropSyn);
    const port = await server.run(serve, undefined);
    const { address } = hosts.paths[0].server;
    // A program without this package, which would have connected again over TCP itself.
    const program = hosts.client.spawn('python3', [
      '-c',
      `import socket
for _ in range(2):
  s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
  s.connect(('${address}', ${port}))
  s.sendall(b'x')
  s.recv(1)
  s.close()`,
    ]);
    await program.success();
    const finding = find(await examine(hosts.client), 'MPD502');
    expect(finding.mend).toMatch(/^sysctl -w net\.mptcp\.blackhole_timeout=\d+$/);
    expect(finding.evidence).toContainEqual({ name: 'MPTcpExtBlackhole', value: 1 });
  });

  test('MPD503: the server denies joins and announces nothing', async () => {
    await begin();
    hosts.server.sysctl('net.mptcp.allow_join_initial_addr_port', 0);
    expect(await open()).toBe('mptcp');
    const finding = find(await examine(hosts.client), 'MPD503');
    expect(finding.message).toMatch(hosts.paths[0].server.address);
  });

  test('MPD504: a middlebox rewrites data', async () => {
    await begin({ join: 'none' });
    for (const host of [hosts.client, hosts.server]) host.sysctl('net.mptcp.checksum_enabled', 1);
    const port = await server.run(serve, undefined);
    const { address } = hosts.paths[0].server;
    await client.run(connect, address, port);
    hosts.paths[0].insert(rewrite, 'toServer');
    await client.run(({ state }) => void state.socket.write('rewritten'.repeat(10)));
    await until('a checksum is wrong', () => {
      return (hosts.server.counters().MPTcpExtDataCsumErr ?? 0) > 0;
    });
    find(await examine(hosts.server), 'MPD504');
  });

  test('MPD505: bbr with a neighbour', async () => {
    await begin();
    hosts.client.sysctl('net.ipv4.tcp_congestion_control', 'bbr');
    await open();
    expect(find(await examine(hosts.client), 'MPD505').severity).toBe('info');
  });

  test('MPD601: the server listens at one address and another is announced', async () => {
    await begin({ join: 'server' });
    await open(hosts.paths[0].server.address);
    const { message } = find(await examine(hosts.server), 'MPD601');
    expect(message).toMatch(hosts.paths[1].server.address);
  });

  test('MPD602: nobody listens where userspace announces', async () => {
    await begin({ join: 'none' });
    await server.run(async ({ mptcp, state }) => {
      state.pathManager = await mptcp.PathManager.open();
      await state.pathManager.mode.set('userspace');
    });
    await open(hosts.paths[0].server.address);
    await server.run(async ({ mptcp, state }, address) => {
      const { token } = mptcp.connectionOf(state.sockets[0]!).info();
      await state.pathManager.announce(token, { address, id: 5, listen: false });
    }, hosts.paths[1].server.address);
    const { message } = find(await examine(hosts.server), 'MPD602');
    expect(message).toMatch(hosts.paths[1].server.address);
  });
});
