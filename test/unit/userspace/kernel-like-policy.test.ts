/** Tests that the kernel-like policy decides as the in-kernel path manager does. */
import type { AnnouncedEvent, EstablishedEvent } from '../../../lib';
import {
  accept,
  type Config,
  forget,
  manage,
  open,
  remesh,
} from '../../../lib/userspace/kernel-like-policy';
import { subflowKey } from '../../../lib/base/addresses';
import type { NativeEndpoint } from '../../../types/native';

const [SIGNAL, SUBFLOW, BACKUP, FULLMESH, LAMINAR] = [1, 2, 4, 8, 32];
const established: EstablishedEvent = {
  ...{ type: 'established', source: 'kernel', token: 7, serverSide: false, denyJoinId0: false },
  local: { address: '10.1.0.1', port: 1000, family: 'IPv4' },
  remote: { address: '10.1.0.2', port: 80, family: 'IPv4' },
};
const announced: AnnouncedEvent = {
  ...{ type: 'announced', source: 'kernel', token: 7, remoteId: 3, address: '10.2.0.2' },
};
const endpoint = (id: number, flags: number, address = `10.${id}.0.1`): NativeEndpoint => ({
  ...{ id, address, flags, port: 0, interface: 0 },
});
const config = (endpoints: NativeEndpoint[], subflows = 8, addAddrAccepted = 8): Config => ({
  endpoints,
  limits: { subflows, addAddrAccepted },
});
const locals = (commands: ReturnType<typeof open>) =>
  commands.map((each) => (each.command === 'createSubflow' ? each.local.address : each.command));

describe('as the kernel', () => {
  test('opens a subflow for each subflow endpoint but that of the first, once', () => {
    const all = config([endpoint(1, SUBFLOW), endpoint(2, SUBFLOW | BACKUP), endpoint(3, SUBFLOW)]);
    const connection = manage(established);
    const commands = open(connection, all);
    expect(locals(commands)).toEqual(['10.2.0.1', '10.3.0.1']);
    expect(commands[0]).toMatchObject({ local: { flags: BACKUP }, remote: { port: 80 } });
    expect(open(connection, all)).toEqual([]);
  });

  test.each([
    [0, 0],
    [1, 1],
    [5, 2],
  ])('a limit of %i subflows', (limit, opened) => {
    const all = config([endpoint(2, SUBFLOW), endpoint(3, SUBFLOW)], limit);
    expect(open(manage(established), all)).toHaveLength(opened);
  });

  /** A connection with an additional subflow to another address of the peer. */
  function withSecond(more: Partial<EstablishedEvent> = {}) {
    const connection = manage({ ...established, ...more });
    const second = {
      local: { address: '10.1.0.1', port: 1001, family: 'IPv4' },
      remote: { address: '10.2.0.2', port: 80, family: 'IPv4' },
    } as const;
    connection.subflows.set(subflowKey(second), second);
    return connection;
  }
  const remotes = (commands: ReturnType<typeof open>) =>
    commands.map((each) => (each.command === 'createSubflow' ? each.remote.address : each.command));

  test('meshes a fullmesh endpoint that is added later with the addresses of all subflows', () => {
    const all = config([endpoint(2, SUBFLOW | FULLMESH)]);
    expect(remotes(open(withSecond(), all))).toEqual(['10.1.0.2', '10.2.0.2']);
    expect(remotes(open(withSecond({ denyJoinId0: true }), all))).toEqual(['10.2.0.2']);
    const limited = config([endpoint(2, SUBFLOW | FULLMESH)], 2);
    expect(remotes(open(withSecond(), limited))).toEqual(['10.1.0.2']);
    expect(remotes(open(withSecond(), config([endpoint(2, SUBFLOW)])))).toEqual(['10.1.0.2']);
  });

  test('replaces the subflows of an endpoint whose flag fullmesh changes', () => {
    const connection = withSecond();
    const plain = endpoint(2, SUBFLOW);
    expect(open(connection, config([plain]))).toHaveLength(1);
    connection.opening.length = 0;
    const opened = {
      local: { address: '10.2.0.1', port: 1002, family: 'IPv4' },
      remote: established.remote,
    } as const;
    connection.subflows.set(subflowKey(opened), opened);
    const meshed = endpoint(2, SUBFLOW | FULLMESH);
    expect(remesh(connection, meshed)).toMatchObject([
      { command: 'destroySubflow', local: { address: '10.2.0.1', port: 1002 } },
    ]);
    expect(remotes(open(connection, config([meshed])))).toEqual(['10.1.0.2', '10.2.0.2']);
  });

  test('announces signal endpoints, on a server alone these', () => {
    const all = config([endpoint(2, SIGNAL), endpoint(3, SUBFLOW)]);
    expect(locals(open(manage({ ...established, serverSide: true }), all))).toEqual(['announce']);
    expect(locals(open(manage(established), all))).toEqual(['announce', '10.3.0.1']);
  });

  test('opens none where the peer denies joins, or of the other family', () => {
    const all = config([endpoint(2, SUBFLOW)]);
    expect(open(manage({ ...established, denyJoinId0: true }), all)).toEqual([]);
    expect(open(manage(established), config([endpoint(2, SUBFLOW, 'fd00::1')]))).toEqual([]);
  });

  test('accepts an announced address from wherever the routes say, within its limit', () => {
    const connection = manage(established);
    expect(accept(connection, announced, config([], 8, 1))).toMatchObject([
      { local: { address: '0.0.0.0', id: 255 }, remote: { address: '10.2.0.2', port: 80 } },
    ]);
    const another = { ...announced, remoteId: 4, address: '10.3.0.2', port: 81 };
    expect(accept(connection, another, config([], 8, 1))).toEqual([]);
    expect(accept(manage(established), announced, config([], 8, 0))).toEqual([]);
    expect(accept(manage(established), announced, config([], 0, 8))).toEqual([]);
    expect(accept(manage(established), { ...announced, address: '10.1.0.2' }, config([]))).toEqual(
      [],
    );
  });

  test('where the peer denies joins, subflow endpoints lead to one announced address', () => {
    const all = config([endpoint(1, SUBFLOW), endpoint(2, SUBFLOW), endpoint(3, SUBFLOW)], 8, 0);
    const connection = manage({ ...established, denyJoinId0: true });
    const commands = accept(connection, announced, all);
    expect(locals(commands)).toEqual(['10.2.0.1', '10.3.0.1']);
    expect(commands[0]).toMatchObject({ remote: { address: '10.2.0.2', port: 80 } });
    expect(accept(connection, { ...announced, address: '10.4.0.2', remoteId: 4 }, all)).toEqual([]);
    // Never to the first address and port, however it is told; another port of it is another matter.
    const first = { ...announced, address: established.remote.address };
    const denied = () => manage({ ...established, denyJoinId0: true });
    expect(accept(denied(), first, all)).toEqual([]);
    expect(accept(denied(), { ...first, port: 81 }, all)).toHaveLength(2);
    expect(accept(denied(), announced, config([], 8, 0))).toEqual([]);
  });

  test('where the kernel does not tell whether the peer denies joins, none goes to its first address', () => {
    const all = config([endpoint(2, SUBFLOW)], 8, 1);
    const untold = { ...established, denyJoinId0: undefined };
    const connection = manage(untold);
    expect(open(connection, all)).toEqual([]);
    expect(accept(connection, announced, all)).toHaveLength(1);
    expect(accept(manage(untold), announced, config([endpoint(2, SUBFLOW)], 8, 0))).toEqual([]);
  });

  test('fullmesh endpoints come before a laminar one, and that before the routes', () => {
    const [mesh, laminar] = [endpoint(5, SUBFLOW | FULLMESH), endpoint(6, LAMINAR)];
    const from = (...endpoints: NativeEndpoint[]) =>
      locals(accept(manage(established), announced, config(endpoints)));
    expect(from(laminar, mesh, endpoint(7, FULLMESH))).toEqual(['10.5.0.1', '10.7.0.1']);
    expect(from(laminar, endpoint(8, SUBFLOW))).toEqual(['10.6.0.1']);
  });

  test('an endpoint that is gone takes its announcement and its subflows with it', () => {
    const connection = manage(established);
    const gone = endpoint(2, SIGNAL | SUBFLOW);
    open(connection, config([gone]));
    const local = { address: '10.2.0.1', port: 2000, family: 'IPv4' } as const;
    connection.subflows.set('one', { local, remote: established.remote });
    expect(forget(connection, gone)).toMatchObject([
      { command: 'remove', localId: 2 },
      { command: 'destroySubflow', local: { address: '10.2.0.1', port: 2000 } },
    ]);
  });
});
