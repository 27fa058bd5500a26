/**
 * Tests of the lab itself: its topologies, middleboxes, delay and cleanup do what the kernel tests
 * rely on.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { describeKernel } from './jest';
import { clampMss, dropSyn, loss, rewrite, stripOptions } from './middleboxes';
import { Namespace, run } from './namespace';
import { Process } from './process';
import { type Hosts, type PathOptions, twoPaths } from './topologies';
import { HashSink, PseudoRandom, sha256 } from './transfer';
import { until } from './until';

const PEER = join(__dirname, 'peer.js');
const FAMILIES = [4, 6] as const;

interface Served {
  port: number;
  sha256: string;
}

interface Fetched {
  bytes: number;
  sha256: string;
  connectMs: number;
  transferMs: number;
}

/** A server and a client that run peer.js, over MPTCP under mptcpize or over plain TCP. */
class Peers {
  private constructor(
    readonly lab: Hosts,
    readonly protocol: 'mptcp' | 'tcp',
    readonly served: Served,
  ) {}

  static async serve(lab: Hosts, protocol: 'mptcp' | 'tcp', bytes: number): Promise<Peers> {
    const address = lab.family === 4 ? '0.0.0.0' : '::';
    const server = start(lab.server, protocol, 'serve', address, String(bytes));
    return new Peers(lab, protocol, await server.json<Served>());
  }

  fetch(path = 0): Process {
    const address = this.lab.paths[path]!.server.address;
    return start(this.lab.client, this.protocol, 'fetch', address, String(this.served.port));
  }
}

function start(host: Namespace, protocol: 'mptcp' | 'tcp', ...args: string[]): Process {
  const command = [process.execPath, PEER, ...args];
  return protocol === 'mptcp'
    ? host.spawn('mptcpize', ['run', ...command])
    : host.spawn(command[0]!, command.slice(1));
}

const fetched = (client: Process): Promise<Fetched> => client.json((value) => 'sha256' in value);

const subflows = (host: Namespace): number =>
  (host.exec('ss', ['-tnH', 'state', 'established']).match(/\n/g) ?? []).length;

/** Slow enough that other programs can start during a transfer of some megabytes. */
const slow: PathOptions = { rate: '10mbit' };
const medium: PathOptions = { rate: '20mbit' };

describeKernel('the lab', { needs: ['mptcpize', 'nft', 'tc'] }, () => {
  describe.each(FAMILIES)('IPv%i', (family) => {
    test.each([
      ['the client', 'cables', 'client', slow],
      ['the server', 'cables', 'server', slow],
      ['the client', 'routers', 'client', { ...slow, router: true }],
      ['the server', 'routers', 'server', { ...slow, router: true }],
    ] as const)(
      'one connection uses two paths: endpoint at %s, hosts joined by %s',
      async (_who, _how, join, path) => {
        await using lab = await twoPaths({ family, join, paths: [path, path] });
        const bytes = 4e6;
        const peers = await Peers.serve(lab, 'mptcp', bytes);
        const client = peers.fetch();
        await client.json<{ progress: number }>(({ progress }) => progress > 1e6);
        await until('the second subflow', () => subflows(lab.client) === 2);

        const { transferMs, ...result } = await fetched(client);
        expect(result).toMatchObject({ bytes, sha256: peers.served.sha256 });
        expect(lab.server.counters()).toMatchObject({ MPTcpExtMPJoinAckRx: 1 });
        for (const { client: end } of lab.paths)
          expect(end.traffic().received).toBeGreaterThan(bytes / 4);
        const megabits = (bytes * 8) / 1000 / transferMs;
        expect(megabits).toBeGreaterThan(11); // one path carries 10
        expect(megabits).toBeLessThan(21); // both carry 20, plus what their token buckets hold
      },
    );

    test.each([
      ['silently', {}, { silent: true }],
      ['silently at its router', { router: true }, { silent: true }],
      ["by the client's link", {}, { link: true }],
      ["by the server's link", {}, { link: true, side: 'server' }],
    ] as const)('a path is cut %s and restored', async (_how, options, cut) => {
      const path = { ...medium, ...options };
      // A device that is down loses its IPv6 addresses, so the second path must lead to another one.
      await using lab = await twoPaths({ family, join: 'server', paths: [path, path] });
      const [first] = lab.paths;
      const peers = await Peers.serve(lab, 'mptcp', 4e6);
      const client = peers.fetch();
      await client.json<{ progress: number }>(({ progress }) => progress > 1e6);
      await until('the second subflow', () => lab.server.counters().MPTcpExtMPJoinAckRx === 1);
      first.cut(cut);
      const atCut = first.server.traffic().received;
      expect(await fetched(client)).toMatchObject({ bytes: 4e6, sha256: peers.served.sha256 });
      // Even acknowledgements alone would exceed this.
      expect(first.server.traffic().received - atCut).toBeLessThan(10_000);

      await first.restore();
      expect(await fetched(peers.fetch())).toMatchObject({ sha256: peers.served.sha256 });
      expect(first.server.traffic().received - atCut).toBeGreaterThan(10_000);
    });

    test('an address is removed and added again', async () => {
      await using lab = await twoPaths({ family });
      const [{ client: end }] = lab.paths;
      const peers = await Peers.serve(lab, 'tcp', 1e5);
      end.removeAddress();
      expect(lab.client.ip('address')).not.toContain(end.address);
      end.addAddress();
      expect(await fetched(peers.fetch())).toMatchObject({ sha256: peers.served.sha256 });
    });
  });

  describe.each([
    [4, 'a router', { router: true }],
    [6, 'a router', { router: true }],
    [4, 'a cable', {}],
    [6, 'a cable', {}],
  ] as const)('middleboxes on IPv%i, at %s', (family, _where, path) => {
    const bytes = 1e6;
    let lab: Awaited<ReturnType<typeof twoPaths>>;
    beforeEach(async () => (lab = await twoPaths({ family, join: 'none', paths: [path, path] })));
    afterEach(() => lab.dispose());

    test('stripOptions makes connections fall back to plain TCP', async () => {
      const peers = await Peers.serve(lab, 'mptcp', bytes);
      const remove = lab.paths[0].insert(stripOptions);
      expect(await fetched(peers.fetch())).toMatchObject({ sha256: peers.served.sha256 });
      expect(lab.client.counters()).toMatchObject({
        MPTcpExtMPCapableSYNTX: 1,
        MPTcpExtMPCapableFallbackSYNACK: 1,
      });
      expect(lab.server.counters()).toMatchObject({ MPTcpExtMPCapableSYNRX: 0 });
      remove();
      expect(await fetched(peers.fetch())).toMatchObject({ sha256: peers.served.sha256 });
      expect(lab.server.counters()).toMatchObject({ MPTcpExtMPCapableSYNRX: 1 });
    });

    test('dropSyn forwards only SYNs of plain TCP', async () => {
      const peers = await Peers.serve(lab, 'mptcp', bytes);
      lab.paths[0].insert(dropSyn);
      const client = peers.fetch();
      await until(
        'the SYN is retransmitted',
        () => (lab.client.counters().TcpRetransSegs ?? 0) > 0,
      );
      expect(lab.server.counters()).toMatchObject({ MPTcpExtMPCapableSYNRX: 0, TcpInSegs: 0 });
      await client.kill();
      const retransmitted = () => lab.client.counters().TcpExtTCPSynRetrans;
      const before = retransmitted();
      expect(before).toBeGreaterThan(0);
      const plain = await Peers.serve(lab, 'tcp', bytes);
      expect(await fetched(plain.fetch())).toMatchObject({ sha256: plain.served.sha256 });
      expect(retransmitted()).toBe(before);
    });

    test('rewrite changes the payload of plain TCP without being detected', async () => {
      const peers = await Peers.serve(lab, 'tcp', bytes);
      const remove = lab.paths[0].insert(rewrite, 'toServer');
      expect(await fetched(peers.fetch())).toMatchObject({ bytes, sha256: peers.served.sha256 });
      remove();
      lab.paths[0].insert(rewrite, 'toClient');
      const result = await fetched(peers.fetch());
      expect(result.bytes).toBe(bytes);
      expect(result.sha256).not.toBe(peers.served.sha256);
      expect(lab.client.counters()).toMatchObject({ TcpInCsumErrors: 0 });
    });

    test('the DSS checksum detects rewrite, and an infinite mapping follows', async () => {
      for (const host of [lab.client, lab.server]) host.sysctl('net.mptcp.checksum_enabled', 1);
      lab.paths[0].limitRate('20mbit');
      lab.paths[0].insert(clampMss(1380));
      const peers = await Peers.serve(lab, 'mptcp', 4 * bytes);
      const client = peers.fetch();
      await client.json<{ progress: number }>();
      lab.paths[0].insert(rewrite);
      const fetchedBytes = (await fetched(client)).bytes;
      const { MPTcpExtDataCsumErr, MPTcpExtOFOQueue, MPTcpExtNoDSSInWindow } =
        lab.client.counters();
      expect(MPTcpExtDataCsumErr).toBeGreaterThan(0);
      // Linux loses bytes, and counts them here, when it falls back during a retransmission, which a
      // stall of a busy machine can cause.
      if (MPTcpExtOFOQueue === 0 && MPTcpExtNoDSSInWindow === 0)
        expect(fetchedBytes).toBe(4 * bytes);
      expect(lab.server.counters()).toMatchObject({ MPTcpExtInfiniteMapTx: 1 });
    });

    test('loss makes TCP retransmit', async () => {
      const peers = await Peers.serve(lab, 'tcp', 8 * bytes); // offload makes few, large packets
      lab.paths[0].limitRate('100mbit'); // splits large packets
      expect(await fetched(peers.fetch())).toMatchObject({ sha256: peers.served.sha256 });
      const before = lab.server.counters().TcpRetransSegs!; // not 0 where a busy machine delays an ACK
      lab.paths[0].insert(loss(5));
      expect(await fetched(peers.fetch())).toMatchObject({ sha256: peers.served.sha256 });
      expect(lab.server.counters().TcpRetransSegs).toBeGreaterThan(before + 10);
    });
  });

  describeKernel('delay', { needs: ['g++', 'tun'] }, () => {
    test.each(FAMILIES)(
      'equals the configured value, and can be changed (IPv%i)',
      async (family) => {
        await using lab = await twoPaths({ family, paths: [{ delay: 20 }, {}] });
        const peers = await Peers.serve(lab, 'tcp', 1e5);
        const roundTrip = async () => (await fetched(peers.fetch())).connectMs;
        await roundTrip(); // resolves the neighbours
        expect(await roundTrip()).toBeGreaterThanOrEqual(40);
        expect(await roundTrip()).toBeLessThan(1000);
        await lab.paths[0].router?.setDelay(50);
        expect(await roundTrip()).toBeGreaterThanOrEqual(100);
        expect(await roundTrip()).toBeLessThan(1000);
      },
    );
  });

  describe('disposal', () => {
    const exists = (name: string) => run('ip', ['netns', 'list']).includes(name);

    test('kills programs that ignore SIGTERM too, and deletes the namespace', async () => {
      const namespace = new Namespace('disposal');
      const shell = namespace.spawn('sh', ['-c', 'trap "" TERM; sleep 1000 & echo $!; wait']);
      const [pid] = await shell.line(/^\d+$/);
      await namespace.dispose();
      expect(exists(namespace.name)).toBe(false);
      expect(await shell.exited).toEqual({ code: null, signal: 'SIGKILL' });
      await until('the grandchild is gone', () => !existsSync(`/proc/${pid}/exe`));
    });

    test.each([
      ['ends', ''],
      ['throws', 'throw new Error()'],
      ['is interrupted', 'process.kill(process.pid, "SIGINT")'],
      ['is killed', 'process.kill(process.pid, "SIGKILL")'],
    ])('happens when the owner %s', async (_how, end) => {
      const folder = mkdtempSync(join(tmpdir(), 'mptcp-lab-'));
      try {
        for (const name of ['namespace', 'process']) {
          const source = readFileSync(join(__dirname, `${name}.ts`), 'utf8');
          const { outputText } = ts.transpileModule(source, {
            compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
          });
          writeFileSync(join(folder, `${name}.js`), outputText);
        }
        const program = `
          const { Namespace } = require('./namespace');
          const namespace = new Namespace('owned');
          const child = namespace.spawn('sleep', ['1000']);
          require('node:fs').writeSync(1, namespace.name + '\\n');
          setImmediate(() => { child.child.unref(); ${end === '' ? 'process.exit()' : end} });`;
        const child = spawn(process.execPath, ['-e', program], { cwd: folder, stdio: 'pipe' });
        const owner = new Process('owner', child);
        const [name] = await owner.line(/^mptcp-.*-owned$/);
        await owner.exited;
        await until('the namespace is deleted', () => !exists(name));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });

  test('the error of a failed program contains its output', async () => {
    await using namespace = new Namespace('failing');
    expect(() => namespace.exec('sh', ['-c', 'echo sorry >&2; exit 3'])).toThrow(/code 3: sorry/);
    const program = namespace.spawn('sh', ['-c', 'echo sorry >&2; exit 3']);
    await expect(program.success()).rejects.toThrow(/ended with code 3[^]*sorry/);
    await expect(program.line(/never/)).rejects.toThrow(/did not print \/never\//);
  });
});

test('a transfer is verified by its hash', async () => {
  const sink = new HashSink();
  for await (const chunk of new PseudoRandom(1_000_001)) sink.write(chunk);
  expect(sink.bytes).toBe(1_000_001);
  expect(sink.sha256).toBe(await sha256(1_000_001));
  expect(sink.sha256).not.toBe(await sha256(1_000_001, 2));
  expect(sink.sha256).not.toBe(await sha256(1_000_000));
});
