/** Tests that PathManager refuses wrong arguments before anything reaches the kernel. */
import * as fc from 'fast-check';
import net from 'node:net';
import { PathManager } from '../../../lib';
import type { NativeCommand } from '../../../types/native';

/** What was asked of the addon, each call checked against the contract. */
const mockCalls: { name: string; args: unknown[] }[] = [];

jest.mock('../../../lib/kernel/addon', () => {
  type Callback = (error: unknown, result?: unknown) => void;
  const call = (name: string, args: unknown[]): number => {
    mockCalls.push({ name, args });
    const error = Object.assign(new Error('none'), { errno: 38, call: name });
    const callback = args.at(-1) as Callback;
    if (name !== 'close') queueMicrotask(() => callback(name === 'family' ? null : error, {}));
    return 1;
  };
  const record = (base: object): object =>
    new Proxy(base, {
      get: (_, name: string) =>
        name === 'threadId' || name === 'then'
          ? undefined
          : (...args: unknown[]) => {
              if (name === 'close') (args[0] as (() => void) | undefined)?.();
              else if (name === 'cancel') return false;
              else if (name !== 'ref' && name !== 'unref') return call(name, args);
              return undefined;
            },
    });
  const recorded = (name: string) =>
    function (...args: unknown[]) {
      mockCalls.push({ name: `new ${name}`, args });
      return record({});
    };
  const classes = ['Commands', 'EventWatcher', 'InterfaceWatcher', 'ConnectionDump', 'SubflowDump'];
  const native = Object.fromEntries(classes.map((name) => [name, recorded(name)]));
  return { requireNative: () => native };
});

/** A public method, given whatever comes. */
type Call = (pm: PathManager, ...args: never[]) => unknown;

const METHODS: Record<string, Call> = {
  'endpoints.add': (pm, ...args: [never]) => pm.endpoints.add(...args),
  'endpoints.list': (pm, ...args) => pm.endpoints.list(...args),
  'endpoints.get': (pm, ...args: [never]) => pm.endpoints.get(...args),
  'endpoints.update': (pm, ...args: [never, never]) => pm.endpoints.update(...args),
  'endpoints.delete': (pm, ...args: [never]) => pm.endpoints.delete(...args),
  'endpoints.flush': (pm, ...args) => pm.endpoints.flush(...args),
  'endpoints.follow': (pm, ...args: [never]) => pm.endpoints.follow(...args),
  'limits.get': (pm, ...args) => pm.limits.get(...args),
  'limits.set': (pm, ...args: [never]) => pm.limits.set(...args),
  'mode.get': (pm, ...args) => pm.mode.get(...args),
  'mode.set': (pm, ...args: [never]) => pm.mode.set(...args),
  'sysctls.get': (pm, ...args: [never]) => pm.sysctls.get(...args),
  'sysctls.set': (pm, ...args: [never, never]) => pm.sysctls.set(...args),
  'interfaces.list': (pm, ...args) => pm.interfaces.list(...args),
  'interfaces.routes': (pm, ...args) => pm.interfaces.routes(...args),
  'interfaces.watch': (pm, ...args) => pm.interfaces.watch(...args),
  'addresses.list': (pm, ...args: [never]) => pm.addresses.list(...args),
  'addresses.get': (pm, ...args: [never, never]) => pm.addresses.get(...args),
  announce: (pm, ...args: [never, never]) => pm.announce(...args),
  withdraw: (pm, ...args: [never, never]) => pm.withdraw(...args),
  createSubflow: (pm, ...args: [never, never]) => pm.createSubflow(...args),
  destroySubflow: (pm, ...args: [never, never]) => pm.destroySubflow(...args),
  setBackup: (pm, ...args: [never, never, never]) => pm.setBackup(...args),
  counters: (pm, ...args) => pm.counters(...args),
  events: (pm, ...args) => pm.events(...args),
  connections: (pm, ...args) => pm.connections(...args),
  open: (_, ...args) => PathManager.open(...args),
};

let pm: PathManager;
beforeEach(async () => {
  pm = await PathManager.open();
  mockCalls.length = 0;
});
afterEach(() => pm.close());

/** What a method says to these arguments; undefined: it took them. */
async function refusal(method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    const result = METHODS[method]!(pm, ...(args as never[]));
    if (!(result instanceof Promise)) {
      // A stream: what it says by `error` is nobody's here.
      (result as { on?: (name: string, listener: () => void) => void }).on?.('error', () => 0);
      if (method === 'connections') await (result as AsyncGenerator).next();
    }
    await (result as Promise<unknown>);
    return undefined;
  } catch (error) {
    return error;
  }
}

const address = '10.0.0.1';
const socket = { address, port: 80 };
const pair = { local: socket, remote: socket };
const local = { address, id: 1 };
const flags = { subflow: true };

/** One wrong thing a line: the method, its arguments, and what the error names. */
const WRONG: [string, unknown[], 'TYPE' | 'VALUE' | 'RANGE', string][] = [
  ['open', [null], 'TYPE', '"options"'],
  ['open', [[]], 'TYPE', '"options"'],
  ['open', [{ netns: 1 }], 'TYPE', '"options.netns"'],
  ['open', [{ netns: '' }], 'VALUE', "'options.netns'"],
  ['open', [{ netns: 'a\0b' }], 'VALUE', "'options.netns'"],
  ['open', [{ signal: {} }], 'TYPE', '"options.signal"'],

  ['endpoints.add', [], 'TYPE', '"options"'],
  ['endpoints.add', [address], 'TYPE', '"options"'],
  ['endpoints.add', [{}], 'TYPE', '"options.address"'],
  ['endpoints.add', [{ address: '' }], 'VALUE', "'options.address'"],
  ['endpoints.add', [{ address: 'localhost' }], 'VALUE', "'options.address'"],
  ['endpoints.add', [{ address: '10.0.0.1/32' }], 'VALUE', "'options.address'"],
  ['endpoints.add', [{ address: '10.0.0.1%lo' }], 'VALUE', "'options.address'"],
  ['endpoints.add', [{ address: '::ffff:10.0.0.1%lo' }], 'VALUE', "'options.address'"],
  ['endpoints.add', [{ address: '[::1]' }], 'VALUE', "'options.address'"],
  ['endpoints.add', [{ address, id: 0 }], 'RANGE', '"options.id"'],
  ['endpoints.add', [{ address, id: 256 }], 'RANGE', '"options.id"'],
  ['endpoints.add', [{ address, id: 1.5 }], 'RANGE', '"options.id"'],
  ['endpoints.add', [{ address, id: NaN }], 'RANGE', '"options.id"'],
  ['endpoints.add', [{ address, id: '1' }], 'TYPE', '"options.id"'],
  ['endpoints.add', [{ address, port: 0 }], 'RANGE', '"options.port"'],
  ['endpoints.add', [{ address, port: 65_536 }], 'RANGE', '"options.port"'],
  ['endpoints.add', [{ address, port: null }], 'TYPE', '"options.port"'],
  ['endpoints.add', [{ address, interface: 1 }], 'TYPE', '"options.interface"'],
  ['endpoints.add', [{ address, interface: '' }], 'VALUE', "'options.interface'"],
  ['endpoints.add', [{ address, interface: 'sixteen-letters-' }], 'VALUE', "'options.interface'"],
  ['endpoints.add', [{ address: 'fe80::1%lo', interface: 'd0' }], 'VALUE', "'options.interface'"],
  ['endpoints.add', [{ address, signal: 1 }], 'TYPE', '"options.signal"'],
  ['endpoints.add', [{ address, subflow: 'yes' }], 'TYPE', '"options.subflow"'],
  ['endpoints.add', [{ address, backup: null }], 'TYPE', '"options.backup"'],
  ['endpoints.add', [{ address, fullmesh: {} }], 'TYPE', '"options.fullmesh"'],
  ['endpoints.add', [{ address, laminar: 0 }], 'TYPE', '"options.laminar"'],

  ['endpoints.get', [], 'TYPE', '"endpoint"'],
  ['endpoints.get', [0], 'RANGE', '"endpoint"'],
  ['endpoints.get', [256], 'RANGE', '"endpoint"'],
  ['endpoints.get', ['eth0'], 'VALUE', "'endpoint'"],
  ['endpoints.get', [{ id: 1 }], 'TYPE', '"endpoint.address"'],
  ['endpoints.get', [{ address: 'eth0' }], 'VALUE', "'endpoint.address'"],
  ['endpoints.get', [{ address, port: 0 }], 'RANGE', '"endpoint.port"'],
  ['endpoints.get', [{ address, id: 0 }], 'VALUE', "'endpoint.id'"],
  ['endpoints.update', [{ address, port: '1' }, {}], 'TYPE', '"endpoint.port"'],
  ['endpoints.update', [{ address, id: 1 }, {}], 'VALUE', "'endpoint.id'"],
  ['endpoints.update', [0, {}], 'RANGE', '"endpoint"'],
  ['endpoints.update', [1], 'TYPE', '"changes"'],
  ['endpoints.update', [1, { backup: 1 }], 'TYPE', '"changes.backup"'],
  ['endpoints.update', [1, { fullmesh: 1 }], 'TYPE', '"changes.fullmesh"'],
  ['endpoints.delete', [], 'TYPE', '"endpoint"'],
  ['endpoints.delete', [null], 'TYPE', '"endpoint"'],
  ['endpoints.delete', [-1], 'RANGE', '"endpoint"'],
  ['endpoints.delete', [{}], 'TYPE', '"endpoint.address"'],
  ['endpoints.delete', [{ address, port: 65_536 }], 'RANGE', '"endpoint.port"'],
  ['endpoints.delete', [{ address, id: null }], 'TYPE', '"endpoint.id"'],
  ['endpoints.delete', [{ id: 5, address }], 'RANGE', '"endpoint.id"'],
  ['endpoints.delete', [{ id: 0 }], 'TYPE', '"endpoint.address"'],
  ['endpoints.follow', [], 'TYPE', '"options"'],
  ['endpoints.follow', [{}], 'TYPE', '"options.flags"'],
  ['endpoints.follow', [{ flags: { subflow: 1 } }], 'TYPE', '"options.flags.subflow"'],
  ['endpoints.follow', [{ flags, match: 'eth' }], 'TYPE', '"options.match"'],
  ['endpoints.follow', [{ flags, queue: 0 }], 'RANGE', '"options.queue"'],

  ['limits.set', [], 'TYPE', '"limits"'],
  ['limits.set', [{ subflows: -1 }], 'RANGE', '"limits.subflows"'],
  ['limits.set', [{ subflows: 2 ** 32 }], 'RANGE', '"limits.subflows"'],
  ['limits.set', [{ addAddrAccepted: '8' }], 'TYPE', '"limits.addAddrAccepted"'],

  ['mode.set', [], 'TYPE', '"mode"'],
  ['mode.set', ['bpf'], 'VALUE', "'mode'"],
  ['mode.set', ['userspace', null], 'TYPE', '"options"'],
  ['mode.set', ['userspace', { except: true }], 'TYPE', '"options.except"'],
  ['mode.set', ['userspace', { signal: {} }], 'TYPE', '"options.signal"'],
  ['mode.set', ['kernel', { signal: {} }], 'TYPE', '"options.signal"'],

  ['sysctls.get', ['nonesuch'], 'VALUE', "'name'"],
  ['sysctls.get', [''], 'VALUE', "'name'"],
  ['sysctls.get', [1], 'TYPE', '"name"'],
  ['sysctls.get', [null], 'TYPE', '"name"'],
  ['sysctls.set', [], 'TYPE', '"name"'],
  ['sysctls.set', ['path_manager', 'userspace'], 'VALUE', "'name'"],
  ['sysctls.set', ['available_schedulers', ''], 'VALUE', "'name'"],
  ['sysctls.set', ['enabled', 1], 'TYPE', '"value"'],
  ['sysctls.set', ['close_timeout', -1], 'RANGE', '"value"'],
  ['sysctls.set', ['close_timeout', 2 ** 31], 'RANGE', '"value"'],
  ['sysctls.set', ['syn_retrans_before_tcp_fallback', 256], 'RANGE', '"value"'],
  ['sysctls.set', ['scheduler', 1], 'TYPE', '"value"'],
  ['sysctls.set', ['scheduler', ''], 'VALUE', "'value'"],
  ['sysctls.set', ['scheduler', 'a\0b'], 'VALUE', "'value'"],

  ['interfaces.watch', [null], 'TYPE', '"options"'],
  ['interfaces.watch', [{ routes: 1 }], 'TYPE', '"options.routes"'],
  ['interfaces.watch', [{ queue: 2 ** 20 + 1 }], 'RANGE', '"options.queue"'],

  ['addresses.list', [0], 'RANGE', '"token"'],
  ['addresses.list', ['1'], 'TYPE', '"token"'],
  ['addresses.get', [1, -1], 'RANGE', '"id"'],
  ['addresses.get', [1, 256], 'RANGE', '"id"'],
  ['announce', [0, local], 'RANGE', '"token"'],
  ['announce', [2 ** 32, local], 'RANGE', '"token"'],
  ['announce', [1], 'TYPE', '"options"'],
  ['announce', [1, { address }], 'TYPE', '"options.id"'],
  ['announce', [1, { id: 0, address }], 'RANGE', '"options.id"'],
  ['announce', [1, { id: 1 }], 'TYPE', '"options.address"'],
  ['announce', [1, { ...local, port: 0 }], 'RANGE', '"options.port"'],
  ['announce', [1, { ...local, interface: '' }], 'VALUE', "'options.interface'"],
  ['announce', [1, { ...local, listen: 1 }], 'TYPE', '"options.listen"'],
  ['withdraw', [undefined, 1], 'TYPE', '"token"'],
  ['withdraw', [1, 256], 'RANGE', '"id"'],
  ['createSubflow', [1], 'TYPE', '"options"'],
  ['createSubflow', [1, { remote: socket }], 'TYPE', '"options.local"'],
  ['createSubflow', [1, { local: { address }, remote: socket }], 'TYPE', '"options.local.id"'],
  [
    'createSubflow',
    [1, { local: { address, id: -1 }, remote: socket }],
    'RANGE',
    '"options.local.id"',
  ],
  ['createSubflow', [1, { local: { id: 0 }, remote: socket }], 'TYPE', '"options.local.address"'],
  [
    'createSubflow',
    [1, { local: { ...local, interface: '' }, remote: socket }],
    'VALUE',
    "'options.local.interface'",
  ],
  ['createSubflow', [1, { local }], 'TYPE', '"options.remote"'],
  ['createSubflow', [1, { local, remote: { address, port: 0 } }], 'RANGE', '"options.remote.port"'],
  ['createSubflow', [1, { local, remote: socket, backup: 1 }], 'TYPE', '"options.backup"'],
  ['destroySubflow', [1, { local: socket }], 'TYPE', '"subflow.remote"'],
  ['destroySubflow', [1, { ...pair, local: { address } }], 'TYPE', '"subflow.local.port"'],
  ['setBackup', [1, pair], 'TYPE', '"backup"'],
  ['setBackup', [1.5, pair, true], 'RANGE', '"token"'],

  ['events', [null], 'TYPE', '"options"'],
  ['events', [{ interval: 9 }], 'RANGE', '"options.interval"'],
  ['events', [{ receiveBuffer: -1 }], 'RANGE', '"options.receiveBuffer"'],
  ['events', [{ initial: 1 }], 'TYPE', '"options.initial"'],
  ['events', [{ signal: 1 }], 'TYPE', '"options.signal"'],
  ['connections', ['x'], 'TYPE', '"filter"'],
  ['connections', [{ localPort: 0 }], 'RANGE', '"filter.localPort"'],
  ['connections', [{ remoteAddress: 'x' }], 'VALUE', "'filter.remoteAddress'"],
  ['connections', [{ state: 'OPEN' }], 'VALUE', "'filter.state'"],
  ['connections', [{ state: [['LISTEN']] }], 'TYPE', '"filter.state"'],
  ['connections', [{}, { subflows: 1 }], 'TYPE', '"options.subflows"'],
  ['connections', [{}, { signal: 1 }], 'TYPE', '"options.signal"'],
];

/** Right ones, before what says how to abort. */
const RIGHT: Record<string, unknown[]> = {
  'endpoints.add': [{ address }],
  'endpoints.list': [],
  'endpoints.get': [1],
  'endpoints.update': [1, {}],
  'endpoints.delete': [address],
  'endpoints.flush': [],
  'limits.get': [],
  'limits.set': [{}],
  'mode.get': [],
  'sysctls.get': ['enabled'],
  'sysctls.set': ['enabled', true],
  'interfaces.list': [],
  'interfaces.routes': [],
  'addresses.list': [1],
  'addresses.get': [1, 0],
  announce: [1, { ...local, interface: 'lo', listen: false }],
  withdraw: [1, 0],
  createSubflow: [1, { local: { ...local, interface: 'lo' }, remote: socket }],
  destroySubflow: [1, pair],
  setBackup: [1, pair, false],
  counters: [],
};

const CODES = {
  TYPE: [TypeError, 'ERR_INVALID_ARG_TYPE'],
  VALUE: [TypeError, 'ERR_INVALID_ARG_VALUE'],
  RANGE: [RangeError, 'ERR_OUT_OF_RANGE'],
} as const;

describe('a wrong argument is refused before anything is asked of the kernel', () => {
  test.each(WRONG)('%s(%j): %s', async (method, args, kind, name) => {
    const error = await refusal(method, args);
    const [type, code] = CODES[kind];
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(name);
    expect(mockCalls).toEqual([]);
  });

  test.each(Object.entries(RIGHT))('%s: one that cannot abort', async (method, args) => {
    for (const [abort, name] of [
      [null, '"options"'],
      ['signal', '"options"'],
      [{ signal: null }, '"options.signal"'],
      [{ signal: new AbortController() }, '"options.signal"'],
    ] as const) {
      const error = await refusal(method, [...args, abort]);
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      expect((error as Error).message).toContain(name);
    }
    expect(mockCalls).toEqual([]);
    const { signal } = new AbortController();
    const error = await refusal(method, [...args, { signal }]);
    if (error !== undefined) expect(error).toMatchObject({ name: 'MptcpError' });
    expect(mockCalls).not.toEqual([]); // so it was that
  });

  test('every method has lines', () => {
    for (const method of Object.keys(METHODS)) {
      expect([...WRONG.map(([name]) => name), ...Object.keys(RIGHT)]).toContain(method);
    }
  });
});

const isInteger = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
const isText = (value: unknown): value is string =>
  typeof value === 'string' && !value.includes('\0');
const isAddress = (value: unknown): boolean => isText(value) && net.isIP(value) !== 0;

/** What types/native.d.ts says of the values with these names, wherever they stand. */
const CONTRACT: Record<string, (value: unknown) => boolean> = {
  id: (value) => isInteger(value, 0, 255),
  localId: (value) => isInteger(value, 0, 255),
  token: (value) => isInteger(value, 0, 2 ** 32 - 1),
  port: (value) => isInteger(value, 0, 65_535),
  localPort: (value) => isInteger(value, 0, 65_535),
  remotePort: (value) => isInteger(value, 0, 65_535),
  flags: (value) => isInteger(value, 0, 2 ** 32 - 1),
  states: (value) => isInteger(value, 0, 2 ** 32 - 1),
  interface: (value) => isInteger(value, 0, 2 ** 31 - 1),
  subflows: (value) => isInteger(value, 0, 2 ** 32 - 1),
  addAddrAccepted: (value) => isInteger(value, 0, 2 ** 32 - 1),
  queue: (value) => isInteger(value, 0, 2 ** 32 - 1),
  receiveBuffer: (value) => isInteger(value, 0, 2 ** 31 - 1),
  address: isAddress,
  localAddress: isAddress,
  remoteAddress: isAddress,
  tcpInfo: (value) => typeof value === 'boolean',
  command: isText,
};

function keepsContract(value: unknown): boolean {
  if (typeof value === 'string') return isText(value);
  if (typeof value === 'number') return isInteger(value, 0, 2 ** 32 - 1);
  if (Array.isArray(value)) return (value as unknown[]).every(keepsContract);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(
    ([name, each]) => (CONTRACT[name] ?? keepsContract)(each) && keepsContract(each),
  );
}

/** Names that mean something, with values that nobody expects. */
const NAMES = [
  ...['address', 'port', 'id', 'interface', 'signal', 'subflow', 'backup', 'fullmesh', 'laminar'],
  ...['local', 'remote', 'flags', 'match', 'subflows', 'addAddrAccepted', 'except', 'netns'],
  ...['localAddress', 'localPort', 'remoteAddress', 'remotePort', 'state', 'queue', 'initial'],
  ...['receiveBuffer', 'interval', 'routes', 'enabled', 'scheduler', 'userspace', '__proto__'],
];

const almost = fc.oneof(
  fc.integer({ min: -1, max: 257 }),
  fc.constantFrom<unknown>(
    ...[0xffff, 0x1_0000, 0xffff_ffff, 2 ** 32, 2 ** 53, -0, 0.5, NaN, Infinity, -Infinity],
    ...['10.0.0.1', '::1', 'fe80::1%lo', 'fe80::1', '::ffff:1.2.3.4', '::ffff:1.2.3.4%lo', '%lo'],
    ...['a\0b', '', 'lo', '/proc/self/ns/net', 'kernel', 'LISTEN', ['LISTEN'], 'close_timeout'],
    ...['enabled', 'scheduler', true, false, null, undefined, 10n, Symbol('none'), () => true],
    ...[new AbortController().signal, AbortSignal.abort(), new Proxy({}, {}), [], [[]], new Map()],
  ),
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ unit: 'binary' }),
);
const garbage = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, almost, tie('object'), fc.anything()),
  object: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 6 }),
})).value;

test('garbage is refused, or is what the addon asks for', async () => {
  const REFUSALS = ['AbortError', 'MptcpError', 'TypeError', 'RangeError'];
  const isRefusal = (error: unknown): boolean =>
    error instanceof Error &&
    REFUSALS.includes(error.name) &&
    typeof (error as { code?: unknown }).code === 'string';
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(METHODS)),
      fc.array(garbage, { maxLength: 3 }),
      async (method, args) => {
        mockCalls.length = 0;
        const error = await refusal(method, args);
        if (error !== undefined && !isRefusal(error)) {
          throw new Error(`${method} failed by accident`, { cause: error });
        }
        taken += Number(mockCalls.length > 0);
        for (const { name, args: passed } of mockCalls) {
          const plain = passed.filter((each) => typeof each !== 'function');
          if (!keepsContract(plain)) {
            throw new Error(`${method} passed ${JSON.stringify(plain)} to ${name}`);
          }
        }
      },
    ),
    { numRuns: 3000, seed: Number(process.env.SEED ?? 1) },
  );
  expect(taken).toBeGreaterThan(100); // it is not all thrown away
});

test('what the addon is given for a command has every field of it', async () => {
  await refusal('createSubflow', RIGHT.createSubflow!);
  await refusal('createSubflow', [1, { local, remote: socket }]);
  const [command] = mockCalls.at(-1)!.args[0] as NativeCommand[];
  expect(command).toEqual({
    ...{ command: 'createSubflow', token: 1, remote: socket },
    local: { ...local, port: 0, flags: 0, interface: 0 },
  });
});

test('new PathManager() is refused, and says what to use', () => {
  const Constructor = PathManager as unknown as new () => PathManager;
  expect(() => new Constructor()).toThrow(/use await PathManager\.open\(\)/);
});
