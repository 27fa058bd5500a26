/** Tests the list and the events of interfaces, and endpoints that follow their addresses. */
import { join } from 'node:path';
import { type FollowEvent, type InterfaceEvent, PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { until } from '../lab/until';

const byTypes = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type);

describeKernel('interfaces', {}, () => {
  let host: Namespace;
  let pm: PathManager;
  beforeEach(async () => {
    host = new Namespace('interfaces');
    host.sysctl('net.ipv6.conf.default.accept_dad', 0);
    pm = await PathManager.open({ netns: host.name });
  });
  afterEach(async () => {
    await pm.close();
    await host.dispose();
  });

  /** Makes a link that is up, with the address that the kernel gives it then. */
  const plug = async (name: string): Promise<void> => {
    host.ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}-peer`);
    host.ip('link', 'set', `${name}-peer`, 'up');
    host.ip('link', 'set', name, 'up');
    await until(`${name} is up`, () => {
      const [link] = JSON.parse(host.ip('-j', 'address', 'show', 'dev', name)) as [
        { operstate: string; addr_info: unknown[] },
      ];
      return link.operstate === 'UP' && link.addr_info.length > 0;
    });
  };

  test('are what ip sees', async () => {
    await plug('eth1');
    host.ip('address', 'add', '10.1.1.1/24', 'dev', 'eth1');
    host.ip('address', 'add', 'fd00:1::1/64', 'dev', 'eth1');
    host.ip('route', 'add', 'default', 'via', '10.1.1.254', 'metric', '7');
    const byIp = JSON.parse(host.ip('-j', 'address')) as {
      ifname: string;
      addr_info: { local: string; prefixlen: number }[];
    }[];
    const list = await pm.interfaces.list();
    expect(list.map(({ name }) => name)).toEqual(byIp.map(({ ifname }) => ifname));
    const eth1 = list.find(({ name }) => name === 'eth1')!;
    expect(eth1).toMatchObject({ up: true, running: true, loopback: false, kind: 'veth' });
    expect(
      eth1.addresses
        .map(({ address, prefixLength }) => [address.replace(/%.*/, ''), prefixLength])
        .sort(),
    ).toEqual(
      byIp
        .find(({ ifname }) => ifname === 'eth1')!
        .addr_info.map(({ local, prefixlen }) => [local, prefixlen])
        .sort(),
    );
    expect(await pm.interfaces.routes()).toContainEqual(
      expect.objectContaining({
        ...{ family: 'IPv4', prefixLength: 0, metric: 7, table: 254, type: 'unicast' },
        nextHops: [{ gateway: '10.1.1.254', interface: 'eth1', weight: 1 }],
      }),
    );
  });

  test('additions, changes and removals are distinct events', async () => {
    await using watch = pm.interfaces.watch();
    await watch.ready;
    const events: InterfaceEvent[] = [];
    watch.on('event', (event) => events.push(event));
    const received = (type: InterfaceEvent['type'], text: string) =>
      until(`${type} ${text}`, () =>
        events.some((event) => event.type === type && JSON.stringify(event).includes(text)),
      );
    await plug('eth1');
    await received('linkAdded', '"eth1"');
    host.ip('link', 'set', 'eth1', 'mtu', '1400');
    await received('linkChanged', '"mtu":1400');
    host.ip('address', 'add', '10.1.1.1/24', 'dev', 'eth1');
    await received('addressAdded', '10.1.1.1');
    await received('routeAdded', '10.1.1.0');
    // The kernel says "new" of both, and "new" again of what has not changed.
    host.ip('address', 'add', 'fd00:1::1/64', 'dev', 'eth1');
    await received('addressAdded', 'fd00:1::1');
    host.ip(
      'address',
      'change',
      'fd00:1::1/64',
      'dev',
      'eth1',
      'preferred_lft',
      '0',
      'valid_lft',
      '1000',
    );
    await received('addressChanged', '"deprecated":true');
    host.ip('route', 'add', '10.9.0.0/16', 'via', '10.1.1.254');
    await received('routeAdded', '10.9.0.0');
    host.ip('route', 'replace', '10.9.0.0/16', 'via', '10.1.1.253');
    await received('routeChanged', '10.1.1.253');
    // The kernel removes IPv4 routes with the link, without a message.
    host.ip('link', 'set', 'eth1', 'down');
    await received('routeRemoved', '10.9.0.0');
    host.ip('address', 'delete', '10.1.1.1/24', 'dev', 'eth1');
    await received('addressRemoved', '10.1.1.1');
    host.ip('link', 'delete', 'eth1');
    for (const name of ['eth1', 'eth1-peer']) await received('linkRemoved', `"${name}"`);
    expect(byTypes(events).filter((type) => type === 'linkAdded')).toHaveLength(2); // and its peer
    expect(watch.interfaces).toEqual(await pm.interfaces.list());
  });

  test('what exists already is reported on request', async () => {
    await plug('eth1');
    await using watch = pm.interfaces.watch({ initial: true, routes: false });
    const names: string[] = [];
    for await (const event of watch) {
      if (event.type === 'linkAdded') names.push(event.link.name);
      if (names.length === 3) break;
    }
    expect(names.sort()).toEqual(['eth1', 'eth1-peer', 'lo']);
  });

  describe('endpoints follow them', () => {
    const endpoints = async () =>
      (await pm.endpoints.list()).map((each) => [each.interface, each.address]);

    test('as they come and go', async () => {
      await plug('eth1');
      host.ip('address', 'add', '10.1.1.1/24', 'dev', 'eth1');
      const follow = pm.endpoints.follow({
        flags: { subflow: true },
        match: ({ interface: name, family }) => name.startsWith('eth') && family === 'IPv4',
      });
      await follow.ready;
      expect(await endpoints()).toEqual([['eth1', '10.1.1.1']]);
      await plug('eth2');
      host.ip('address', 'add', '10.2.1.1/24', 'dev', 'eth2');
      host.ip('address', 'add', 'fd00:2::1/64', 'dev', 'eth2');
      await until('eth2 has one', () => follow.endpoints.length === 2);
      expect(follow.endpoints).toEqual(await pm.endpoints.list());
      host.ip('address', 'delete', '10.1.1.1/24', 'dev', 'eth1');
      await until('eth1 has none', async () => (await endpoints()).length === 1);
      host.ip('link', 'set', 'eth2', 'down');
      await until('a link that is down has none', async () => (await endpoints()).length === 0);
      host.ip('link', 'set', 'eth2', 'up');
      await until('it is back', async () => (await endpoints()).length === 1);
      await follow.close();
      expect(await endpoints()).toEqual([]);
    });

    describe('that are there already', () => {
      const flags = { subflow: true, backup: true };
      const keep = `
        const { PathManager } = require(${JSON.stringify(join(__dirname, '..', '..', 'dist'))});
        PathManager.open().then(async (pm) => {
          const kept = pm.endpoints.follow({ flags: { subflow: true, backup: true } });
          await kept.ready;
          kept.ref();
          console.log('keeps', kept.endpoints.length);
        });`;
      const predecessor = async () => {
        const process = host.spawn(global.process.execPath, ['-e', keep]);
        await process.line(/^keeps [1-9]$/);
        return process;
      };
      const match = ({ family }: { family: string }) => family === 'IPv4';
      beforeEach(async () => {
        await plug('eth1');
        host.ip('address', 'add', '10.1.1.1/24', 'dev', 'eth1');
      });

      test('as a killed process left them, are taken over', async () => {
        await (await predecessor()).kill('SIGKILL');
        const left = await pm.endpoints.get('10.1.1.1');
        const follow = pm.endpoints.follow({ flags, match });
        await follow.ready;
        expect(follow.endpoints).toEqual([left]);
        host.ip('address', 'delete', '10.1.1.1/24', 'dev', 'eth1');
        await until('it goes with its address', async () =>
          (await endpoints()).every(([, address]) => address !== '10.1.1.1'),
        );
        await follow.close();
      });

      test('and kept by another process, are refused until it ends', async () => {
        const other = await predecessor();
        const follow = pm.endpoints.follow({ flags, match });
        const refused: Extract<FollowEvent, { type: 'refused' }>[] = [];
        follow.on('refused', (event) => refused.push(event));
        await follow.ready;
        expect(follow.endpoints).toEqual([]);
        expect(refused).toHaveLength(1);
        expect(refused[0]!.error).toMatchObject({ code: 'ERR_MPTCP_EXISTS' });
        expect((refused[0]!.error as Error).message).toContain(`Process ${other.pid} keeps`);
        await other.kill('SIGKILL');
        host.ip('address', 'add', '10.1.1.2/24', 'dev', 'eth1'); // a reason to try again
        await until('both are kept', () => follow.endpoints.length === 2);
        await follow.close();
        expect((await endpoints()).filter(([, address]) => !address!.includes(':'))).toEqual([]);
      });

      test.each([
        ['other flags', ['subflow', 'dev', 'eth1']],
        ['any interface', ['subflow', 'backup']],
      ])('with %s, are left alone', async (_, words) => {
        host.addEndpoint('10.1.1.1', ...words);
        const follow = pm.endpoints.follow({ flags, match });
        const refused: FollowEvent[] = [];
        follow.on('refused', (event) => refused.push(event));
        await follow.ready;
        expect(refused).toMatchObject([{ error: { code: 'ERR_MPTCP_EXISTS', errno: -17 } }]);
        await follow.close();
        expect(await pm.endpoints.list()).toHaveLength(1);
      });
    });

    test("the kernel's limit is reported, and room is used once there is some", async () => {
      await plug('eth1');
      for (let i = 1; i <= 10; i++) host.ip('address', 'add', `10.1.1.${i}/32`, 'dev', 'eth1');
      const follow = pm.endpoints.follow({
        flags: { subflow: true },
        match: ({ family }) => family === 'IPv4',
      });
      const events: FollowEvent[] = [];
      follow.on('event', (event) => events.push(event));
      await follow.ready;
      const refused = events.filter((event) => event.type === 'refused');
      expect(refused).toHaveLength(2);
      expect(refused[0]!.error).toMatchObject({ code: 'ERR_MPTCP_LIMIT', maximum: 8 });
      const [first] = await pm.endpoints.list();
      const { address } = first!;
      host.ip('address', 'delete', `${address}/32`, 'dev', 'eth1');
      await until('another has its place', async () => {
        const list = await pm.endpoints.list();
        return list.length === 8 && list.every((each) => each.address !== address);
      });
      await follow.close();
    });
  });
});
