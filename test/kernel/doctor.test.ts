/**
 * Tests doctor() on hosts of the lab: a sound set-up has no finding, each planted fault is found by its
 * id, and the command that is proposed mends it.
 */
import { bugReport, doctor, type DoctorOptions, type DoctorReport } from 'mptcp';
import { describeKernel } from '../lab/jest';
import type { Namespace } from '../lab/namespace';
import type { Path } from '../lab/path';
import { type Hosts, twoPaths } from '../lab/topologies';
import { until } from '../lab/until';

type TwoPaths = Hosts<readonly [Path, Path]>;

const examine = (host: Namespace, options: DoctorOptions = {}): Promise<DoctorReport> =>
  doctor({ netns: host.name, ...options });

const found = ({ findings }: DoctorReport): string[] => findings.map(({ id }) => id);

/** Carries out the proposed command on the host, as one who pastes it does. */
function mend(host: Namespace, { findings }: DoctorReport, id: string): void {
  const command = findings.find((each) => each.id === id)?.mend;
  if (command === undefined) throw new Error(`${id} proposes no command`);
  // The lab needs no sysctl(8).
  host.exec('sh', [
    '-ec',
    `sysctl() { shift; for each; do name=\${each%%=*}; echo "\${each#*=}" > /proc/sys/$(echo $name | tr ./ /.); done; }\n${command}`,
  ]);
}

describeKernel('doctor() on a client', { needs: ['nft'] }, () => {
  let hosts: TwoPaths;
  let client: Namespace;
  beforeEach(async () => {
    hosts = await twoPaths();
    client = hosts.client;
  });
  afterEach(() => hosts.dispose());

  test('finds nothing where nothing is wrong', async () => {
    const report = await examine(client);
    expect(report.findings).toEqual([]);
    expect(report.skipped).toEqual([
      { id: 'MPD104', reason: 'sockets are tried in the own network namespace alone' },
    ]);
    expect(report.checks.every(({ result }) => result !== 'found')).toBe(true);
  });

  test('a signal ends it', async () => {
    const aborted = examine(client, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('bugReport() has what was read, without addresses', async () => {
    client.ip('mptcp', 'endpoint', 'flush');
    const { report, state, versions } = await bugReport({ netns: client.name });
    expect(found(report)).toEqual(found(await examine(client)));
    expect(Object.keys(state)).toEqual(expect.arrayContaining(['interfaces', 'routes', 'paths']));
    expect(versions.node).toBe(process.version);
    const text = JSON.stringify([report, state]);
    for (const path of hosts.paths) {
      for (const address of Object.values(path.client.addresses)) expect(text).not.toMatch(address);
    }
    expect(text).toMatch(/ip mptcp endpoint add 10\.\d+\.\d+\.\d+ dev eth2 subflow/);
  });

  /** The faults, with the finding of each; those that are `mended` disappear by the proposed command, of `next` another one remains. */
  const FAULTS: [
    what: string,
    id: string,
    plant: (hosts: TwoPaths) => void | Promise<void>,
    how: 'mended' | 'next' | 'told',
  ][] = [
    [
      'MPTCP is off',
      'MPD103',
      ({ client: host }) => void host.sysctl('net.mptcp.enabled', 0),
      'mended',
    ],
    [
      'the userspace mode has no owner',
      'MPD301',
      ({ client: host }) => void host.sysctl('net.mptcp.pm_type', 1),
      'mended',
    ],
    [
      'the limit of subflows is 0',
      'MPD201',
      ({ client: host }) => host.limits({ subflows: 0, addAddrAccepted: 8 }),
      'mended',
    ],
    [
      'there are more endpoints than the limit allows',
      'MPD202',
      ({ client: host, paths: [, second] }) => {
        for (const last of [2, 3]) {
          const address = `10.2.1.${last}`;
          host.ip('address', 'add', `${address}/32`, 'dev', second.client.device);
          host.ip('rule', 'add', 'from', address, 'lookup', '2');
          host.addEndpoint(address, 'dev', second.client.device, 'subflow');
        }
        host.limits({ subflows: 2, addAddrAccepted: 8 });
      },
      'mended',
    ],
    [
      'there is no endpoint',
      'MPD204',
      ({ client: host }) => void host.ip('mptcp', 'endpoint', 'flush'),
      'mended',
    ],
    [
      'an endpoint has an address of no interface',
      'MPD205',
      ({ client: host }) => host.addEndpoint('10.9.9.9', 'subflow'),
      'mended',
    ],
    [
      'an interface is down',
      'MPD206',
      ({ paths: [, second] }) => second.client.setLink('down'),
      'next', // the routes of the interface are gone: MPD401
    ],
    [
      'an interface has no carrier',
      'MPD206',
      async ({ paths: [, second], client: host }) => {
        second.server.setLink('down');
        await until('the carrier is gone', () =>
          host.ip('link', 'show', 'dev', second.client.device).includes('NO-CARRIER'),
        );
      },
      'told',
    ],
    [
      'an address is deprecated',
      'MPD207',
      ({ client: host, paths: [, second] }) =>
        void host.ip(
          ...['address', 'change', `${second.client.address}/16`, 'dev', second.client.device],
          ...['valid_lft', '600', 'preferred_lft', '0'],
        ),
      'mended',
    ],
    [
      'an address is tentative',
      'MPD207',
      ({ client: host, paths: [, second] }) => {
        const { device } = second.client;
        for (const name of ['all', device]) host.sysctl(`net.ipv6.conf.${name}.accept_dad`, 1);
        host.sysctl(`net.ipv6.conf.${device}.dad_transmits`, 100_000);
        host.ip('address', 'add', 'fd00:2:1::9/32', 'dev', device);
        host.addEndpoint('fd00:2:1::9', 'dev', device, 'subflow');
      },
      'told',
    ],
    [
      'an address is a duplicate',
      'MPD207',
      async ({ client: host, server, paths: [, second] }) => {
        const { device } = second.client;
        server.ip('address', 'add', 'fd00:2:1::9/32', 'dev', second.server.device);
        for (const name of ['all', device]) host.sysctl(`net.ipv6.conf.${name}.accept_dad`, 1);
        host.ip('address', 'add', 'fd00:2:1::9/32', 'dev', device);
        host.addEndpoint('fd00:2:1::9', 'dev', device, 'subflow');
        await until('the duplicate is noticed', () =>
          host.ip('address', 'show', 'dev', device).includes('dadfailed'),
        );
      },
      'mended',
    ],
    [
      'a client announces its address',
      'MPD208',
      ({ client: host, paths: [, second] }) => {
        host.ip('mptcp', 'endpoint', 'flush');
        second.client.addEndpoint('signal');
      },
      'mended',
    ],
    [
      'an endpoint is bound to another interface',
      'MPD210',
      ({ client: host, paths: [first, second] }) => {
        host.ip('mptcp', 'endpoint', 'flush');
        host.addEndpoint(second.client.address, 'dev', first.client.device, 'subflow');
      },
      'mended',
    ],
    [
      'no rule leads from the second address, whose table exists',
      'MPD401',
      ({ client: host, paths: [first, second] }) => {
        host.ip('mptcp', 'endpoint', 'flush');
        host.addEndpoint(second.client.address, 'subflow');
        host.ip('rule', 'delete', 'from', second.client.address);
        host.ip('route', 'add', 'default', 'via', first.server.address);
      },
      'mended',
    ],
    [
      'only the router of the second path is known',
      'MPD401',
      ({ client: host, paths: [first, second] }) => {
        host.ip('mptcp', 'endpoint', 'flush');
        host.addEndpoint(second.client.address, 'subflow');
        host.ip('rule', 'delete', 'from', second.client.address);
        host.ip('route', 'flush', 'table', '2');
        host.ip('route', 'add', 'default', 'via', first.server.address);
        host.ip('route', 'add', 'default', 'via', second.server.address, 'metric', '100');
      },
      'mended',
    ],
    [
      'no route leads from the second address of IPv6',
      'MPD401',
      ({ client: host, paths: [first, second] }) => {
        host.addEndpoint(second.client.addresses[6], 'subflow');
        host.ip('-6', 'rule', 'delete', 'from', second.client.addresses[6]);
        host.ip('-6', 'route', 'add', 'default', 'via', first.server.addresses[6]);
      },
      'mended',
    ],
    [
      'an endpoint is bound to an interface over which no route leads',
      'MPD401',
      ({ client: host, paths: [first, second] }) => {
        host.ip('rule', 'delete', 'from', second.client.address);
        host.ip('route', 'flush', 'table', '2');
        host.ip('route', 'add', 'default', 'via', first.server.address);
      },
      'told',
    ],
    [
      'two interfaces are in one network',
      'MPD402',
      ({ client: host, paths: [first, second] }) => {
        host.ip('address', 'add', '10.1.1.7/16', 'dev', second.client.device);
        host.ip('mptcp', 'endpoint', 'flush');
        host.addEndpoint('10.1.1.7', 'subflow');
        host.ip('route', 'add', 'default', 'via', first.server.address);
      },
      'mended',
    ],
    [
      'two endpoints share a link',
      'MPD402',
      ({ client: host, paths: [, second] }) => {
        host.ip('address', 'add', '10.2.1.7/16', 'dev', second.client.device);
        host.ip('rule', 'add', 'from', '10.2.1.7', 'lookup', '2');
        host.addEndpoint('10.2.1.7', 'dev', second.client.device, 'subflow');
      },
      'mended',
    ],
    [
      'rp_filter is strict on an asymmetric path',
      'MPD403',
      ({ client: host, paths: [first, second] }) => {
        const { device, address } = second.client;
        host.ip('rule', 'delete', 'from', address);
        host.ip('route', 'add', 'default', 'via', first.server.address);
        host.ip('route', 'add', 'default', 'via', second.server.address, 'metric', '100');
        host.sysctl(`net.ipv4.conf.${device}.rp_filter`, 1);
      },
      'mended',
    ],
    [
      'the firewall drops SYNs with MPTCP',
      'MPD501',
      ({ paths: [first] }) => void first.insert(['tcp option mptcp exists drop'], 'toClient'),
      'mended',
    ],
    [
      'the firewall strips the options of MPTCP',
      'MPD501',
      ({ paths: [first] }) => void first.insert(['reset tcp option mptcp'], 'toClient'),
      'mended',
    ],
  ];

  test.each(FAULTS)('%s: %s', async (_what, id, plant, how) => {
    await plant(hosts);
    const report = await examine(client);
    expect(found(report)).toContain(id);
    for (const finding of report.findings) {
      expect(finding.message).toMatch(/^[^\n]+\.$/);
      expect(finding.evidence).not.toEqual([]);
      expect(finding.link).toBe(`docs/doctor.md#${finding.id.toLowerCase()}`);
    }
    if (how === 'told') return;
    mend(client, report, id);
    const after = await until(`${id} is mended`, async () => {
      const again = await examine(client);
      return !found(again).includes(id) && again;
    });
    if (how === 'next') return;
    expect(after.findings.filter((each) => each.severity === 'error')).toEqual([]);
  });
});
