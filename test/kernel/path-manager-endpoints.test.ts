/** Tests the endpoints of the in-kernel path manager. */
import { PathManager, type PathManagerEvent } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { ForeignClient, foreignServer } from './peers/foreign-processes';

describeKernel('endpoints with link-local addresses', {}, () => {
  let host: Namespace;
  let pm: PathManager;
  beforeEach(async () => {
    host = new Namespace('link-local');
    host.ip('link', 'add', 'd0', 'type', 'bridge');
    pm = await PathManager.open({ netns: host.name });
  });
  afterEach(async () => {
    await pm.close();
    await host.dispose();
  });

  test.each([
    ['by the scope', { address: 'fe80::1%d0' }],
    ['by the index of the scope', { address: 'fe80::1%2' }],
    ['by the interface', { address: 'fe80::1', interface: 'd0' }],
    ['by both', { address: 'fe80::1%d0', interface: 'd0' }],
  ])('name their interface %s', async (_how, options) => {
    const added = await pm.endpoints.add({ ...options, subflow: true });
    expect(added).toMatchObject({ id: 1, address: 'fe80::1%d0', interface: 'd0' });
    const listed = JSON.parse(host.ip('-j', 'mptcp', 'endpoint')) as unknown;
    expect(listed).toMatchObject([{ id: 1, address: 'fe80::1', dev: 'd0' }]);
    for (const reference of ['fe80::1', 'fe80::1%d0', 'fe80::1%2', 'FE80:0::1%d0']) {
      expect(await pm.endpoints.get(reference)).toEqual(added);
    }
    await expect(pm.endpoints.get('fe80::1%lo')).rejects.toMatchObject({
      code: 'ERR_MPTCP_NOT_FOUND',
    });
    expect(await pm.endpoints.update('fe80::1', { backup: true })).toMatchObject({ backup: true });
    // To the kernel an address is one, on whatever interface.
    await expect(
      pm.endpoints.add({ address: 'fe80::1', interface: 'lo', subflow: true }),
    ).rejects.toMatchObject({ code: 'ERR_MPTCP_EXISTS' });
    await pm.endpoints.delete('fe80::1%d0');
    expect(await pm.endpoints.list()).toEqual([]);
  });

  test('are of any interface where none is named', async () => {
    const added = await pm.endpoints.add({ address: 'fe80::1', signal: true });
    expect(added).toMatchObject({ address: 'fe80::1' });
    expect(added).not.toHaveProperty('interface');
    expect(await pm.endpoints.get('fe80::1%d0')).toEqual(added);
  });

  test('a scope is an interface for other addresses too', async () => {
    const added = await pm.endpoints.add({ address: 'fd00::1%d0', subflow: true });
    expect(added).toMatchObject({ address: 'fd00::1', interface: 'd0' });
    expect(await pm.endpoints.get('fd00::1%d0')).toEqual(added);
  });

  test('an interface that is not there is named', async () => {
    const adding = pm.endpoints.add({ address: 'fe80::1%eth9', subflow: true });
    await expect(adding).rejects.toMatchObject({
      ...{ code: 'ERR_MPTCP_NOT_FOUND', errno: -19, syscall: 'if_nametoindex eth9' },
    });
    await expect(adding).rejects.toThrow('pm.interfaces.list()');
  });
});

describeKernel('endpoints of one address and different ports', {}, () => {
  const ADDRESS = { 4: '127.0.0.1', 6: '::1' };

  test.each(FAMILIES)('IPv%i: address and port name exactly one', async (family) => {
    await using host = new Namespace('ports');
    await using pm = await PathManager.open({ netns: host.name });
    const address = ADDRESS[family];
    await pm.endpoints.add({ address, subflow: true });
    await pm.endpoints.add({ address, signal: true, port: 5001 });
    await pm.endpoints.add({ address, signal: true, port: 5002 });
    expect(await pm.endpoints.get({ address })).toMatchObject({ id: 1 });
    expect(await pm.endpoints.get({ address, port: 5002 })).toMatchObject({ id: 3, port: 5002 });
    await pm.endpoints.update({ address, port: 5002 }, { backup: true });
    await pm.endpoints.update({ address }, { fullmesh: true });
    const flags = async () =>
      (await pm.endpoints.list()).map(({ id, backup, fullmesh }) => ({ id, backup, fullmesh }));
    const [one, two, three] = [
      { id: 1, backup: false, fullmesh: true },
      { id: 2, backup: false, fullmesh: false },
      { id: 3, backup: true, fullmesh: false },
    ];
    expect(await flags()).toEqual([one, two, three]);

    const lists = `id 1 without a port, id 2 with the port 5001, id 3 with the port 5002`;
    for (const ambiguous of [
      pm.endpoints.get(address),
      pm.endpoints.update(address, { backup: true }),
      pm.endpoints.delete(address),
    ]) {
      await expect(ambiguous).rejects.toMatchObject({ code: 'ERR_MPTCP_AMBIGUOUS' });
      await expect(ambiguous).rejects.toThrow(lists);
    }
    expect(await flags()).toEqual([one, two, three]);

    const absent = pm.endpoints.delete({ address, port: 5003 });
    await expect(absent).rejects.toMatchObject({ code: 'ERR_MPTCP_NOT_FOUND' });
    await expect(absent).rejects.toThrow(`the address ${address} with the port 5003`);
    await pm.endpoints.delete({ address, port: 5001 });
    expect(await flags()).toEqual([one, three]);
    await pm.endpoints.delete({ address });
    const last = pm.endpoints.get({ address });
    await expect(last).rejects.toThrow(`the address ${address} without a port`);
    await pm.endpoints.delete(address); // no longer ambiguous
    expect(await flags()).toEqual([]);
  });
});

describeKernel('the first subflow', {}, () => {
  /** A connection with two subflows, and the events that both sides receive. */
  async function connected(family: 4 | 6) {
    const lab = await twoPaths({ family });
    const [first] = lab.paths;
    const open = async (netns: string) => {
      const pm = await PathManager.open({ netns });
      const received: PathManagerEvent[] = [];
      const events = pm.events().on('event', (event) => received.push(event));
      await events.ready;
      return { pm, received };
    };
    const [client, server] = [await open(lab.client.name), await open(lab.server.name)];
    const { port } = await foreignServer(lab.server, '::');
    await ForeignClient.connect(lab.client, first.server.address, port);
    await until('both subflows', () =>
      client.received.some(({ type }) => type === 'subflowEstablished'),
    );
    const { local, remote } = client.received.find((event) => event.type === 'created')!;
    const dispose = async () => {
      for (const each of [client.pm, server.pm, lab]) await each[Symbol.asyncDispose]();
    };
    return { lab, client, server, local, remote, [Symbol.asyncDispose]: dispose };
  }

  test.each(FAMILIES)('IPv%i: an endpoint with its address speaks for it', async (family) => {
    await using connection = await connected(family);
    const { client, server, local, remote } = connection;
    await client.pm.endpoints.add({ address: local.address, subflow: true });
    await client.pm.endpoints.update(local.address, { backup: true });
    const received = await until('MP_PRIO at the server', () =>
      server.received.find((event) => event.type === 'subflowPriority'),
    );
    expect(received).toMatchObject({ backup: true, local: remote, remote: local });
  });

  test.each(FAMILIES)('IPv%i: is closed by the id 0 and its address', async (family) => {
    await using connection = await connected(family);
    const { lab, client, local } = connection;
    await client.pm.endpoints.delete({ id: 0, address: lab.paths[1].client.address });
    await client.pm.endpoints.delete({ id: 0, address: local.address });
    const closed = await until('the first subflow is gone', () =>
      client.received.find((event) => event.type === 'subflowClosed'),
    );
    expect(closed).toMatchObject({ local, source: 'kernel' });
    const left = await until('its TCP socket is gone', async () => {
      const { value } = await client.pm.connections().next();
      return value!.subflows!.length === 1 && value!.subflows;
    });
    expect(left).toMatchObject([{ local: { address: lab.paths[1].client.address }, localId: 1 }]);
  });
});
