/** Tests that every options object of the public surface refuses keys that it does not have. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { connectionOf, doctor, enable, PathManager, policies, withMptcp } from '../../lib';
import { nearest } from '../../lib/base/suggestion';
import { ConnectionPaths } from '../../lib/connection/paths';
import { parseRegisterOptions } from '../../lib/drop-in/register-options';
import * as mptcpHttp from '../../lib/http';
import * as mptcpNet from '../../lib/net';
import type { TcpHandle } from '../../lib/sockets/node/types';
import { connector } from '../../lib/undici';

jest.mock('../../lib/kernel/addon', () => {
  type Done = (error: null, result: object) => void;
  // Each method of the addon's objects succeeds with an empty result.
  const object = new Proxy(
    {},
    {
      get: (_, name) =>
        name === 'then'
          ? undefined
          : (...args: unknown[]) => {
              const done = args.at(-1);
              if (typeof done === 'function') queueMicrotask(() => (done as Done)(null, {}));
              return 1;
            },
    },
  );
  const made = function () {
    return object;
  };
  return { requireNative: () => ({ Commands: made }), loadNative: () => undefined };
});

/** A function that receives an options object, which is made with a wrong key. */
type Receive = (pm: PathManager, wrong: never) => unknown;

const address = '10.0.0.1';
const socket = { address, port: 80 };
const local = { address, id: 1 };
const policy = policies.fullmesh();
const connection = () => connectionOf(new net.Socket());
const paths = () => new ConnectionPaths({ fd: -1 } as TcpHandle);
const withHints = (hints: never) => new mptcpNet.Socket({ mptcp: { hints } });

/** The type, who receives it, the wrong options, and what the error says. */
const WRONG: [type: string, receive: Receive, wrong: object, expected: string][] = [
  ['DoctorOptions', (_, it) => doctor(it), { nets: 'a' }, "'options.netns'"],
  ['PathManagerOptions', (_, it) => PathManager.open(it), { ns: 'a' }, "'options.netns'"],
  ['EndpointOptions', (pm, it) => pm.endpoints.add(it), { address, subflows: true }, 'subflow'],
  ['EndpointOptions', (pm, it) => pm.endpoints.add(it), { adress: address }, "'options.address'"],
  [
    'EndpointFlags',
    (pm, it) => pm.endpoints.follow({ flags: it }),
    { subflows: true },
    "'options.flags.subflow'",
  ],
  [
    'FollowOptions',
    (pm, it) => pm.endpoints.follow(it),
    { flags: {}, fullmesh: true },
    "'options.flags.fullmesh'",
  ],
  ['LimitValues', (pm, it) => pm.limits.set(it), { subflow: 4 }, "'limits.subflows'"],
  ['LimitValues', (pm, it) => pm.limits.set(it), { subflows: 4, signal: 1 }, 'method(options, {'],
  ['Abortable', (pm, it) => pm.limits.get(it), { signall: 1 }, "'options.signal'"],
  ['Abortable', (pm, it) => pm.sysctls.get(it), { signall: 1 }, "'options.signal'"],
  ['Abortable', (pm, it) => pm.counters(it), { signall: 1 }, "'options.signal'"],
  ['SetModeOptions', (pm, it) => pm.mode.set('kernel', it), { expect: () => 1 }, 'options.except'],
  ['EventsOptions', (pm, it) => pm.events(it), { intervall: 100 }, "'options.interval'"],
  [
    'EventStreamOptions',
    (pm, it) => pm.events(it),
    { recieveBuffer: 1 },
    "'options.receiveBuffer'",
  ],
  ['WatchInterfacesOptions', (pm, it) => pm.interfaces.watch(it), { route: false }, 'routes'],
  ['ConnectionFilter', (pm, it) => pm.connections(it), { port: 80 }, "'filter.localPort'"],
  ['ConnectionFilter', (pm, it) => pm.connections(it), { subflows: false }, "'options.subflows'"],
  ['ConnectionsOptions', (pm, it) => pm.connections({}, it), { subflow: false }, 'subflows'],
  ['AnnounceOptions', (pm, it) => pm.announce(1, it), { address, id: 1, prot: 1 }, 'port'],
  ['Announcement', (_, it) => paths().announce(it, {}), { address, prot: 80 }, "'options.port'"],
  ['AnnouncedAddress', (_, it) => paths().withdraw(it, {}), { address, prot: 80 }, 'options.port'],
  ['CreateSubflowOptions', (pm, it) => pm.createSubflow(1, it), { locale: local }, 'options.local'],
  [
    'CreateSubflowOptions',
    (pm, it) => pm.createSubflow(1, it),
    { local, remote: socket, signal: AbortSignal.abort() },
    'method(options, { signal })',
  ],
  [
    'SubflowLocal',
    (pm, it) => pm.createSubflow(1, { local: it, remote: socket }),
    { ...local, device: 'eth0' },
    'interface',
  ],
  [
    'ConnectionSubflowOptions',
    (_, it) => paths().createSubflow(it, {}),
    { signal: AbortSignal.abort() },
    'method(options, { signal })',
  ],
  ['ConnectionSubflowOptions', (_, it) => paths().createSubflow(it, {}), { to: 1 }, 'remote'],
  [
    'ConnectionSubflowLocal',
    (_, it) => paths().createSubflow({ local: it }, {}),
    { adress: address },
    "'options.local.address'",
  ],
  [
    'LoadBalancerOptions',
    (pm, it) => pm.behindLoadBalancer(it),
    { address, takeover: true },
    'takeOver',
  ],
  ['ManageOptions', (pm, it) => pm.manage(policy, it), { heal: 'backup' }, "'options.healing'"],
  [
    'ManageOptions',
    (pm, it) => pm.manage(policy, it),
    { subflows: 2 },
    "'options.limits.subflows'",
  ],
  [
    'PolicyLimits',
    (pm, it) => pm.manage(policy, { limits: it }),
    { subflow: 2 },
    'limits.subflows',
  ],
  ['WatchOptions', (_, it) => connection().events(it), { initial: true }, 'signal, queue'],
  ['WatchOptions', (_, it) => connection().sample(100, it), { interval: 5 }, 'signal, queue'],
  ['SchedulingHints', (_, it) => connection().hint(it), { nodelay: true }, "'hints.noDelay'"],
  ['SchedulingHints', (_, it) => connection().hint(it), { backup: 'eth1' }, "'hints.paths.backup'"],
  [
    'SchedulingHints',
    (_, it) => connection().hint(it),
    { signal: 1 },
    'method(options, { signal })',
  ],
  ['SchedulingHints', (_, it) => withHints(it), { congestioncontrol: 'reno' }, 'congestionControl'],
  ['SchedulingHints', (_, it) => withHints(it), { mode: 'require' }, "'options.mptcp.mode'"],
  [
    'PathHints',
    (_, it) => connection().hint({ paths: it }),
    { prefers: 'a' },
    'hints.paths.prefer',
  ],
  [
    'KeepAlive',
    (_, it) => connection().hint({ keepAlive: it }),
    { delay: 1 },
    'idle, interval, count',
  ],
  [
    'MptcpOptions',
    (_, mptcp) => mptcpNet.connect({ port: 1, mptcp }),
    { mod: 'off' },
    'mptcp.mode',
  ],
  [
    'MptcpOptions',
    (_, mptcp) => mptcpNet.createServer({ mptcp }),
    { mod: 'require' },
    'mptcp.mode',
  ],
  [
    'MptcpOptions',
    (_, mptcp) => new mptcpHttp.Agent({ mptcp }).createConnection({ mptcp } as never),
    { mod: 'off' },
    'mptcp.mode',
  ],
  ['MptcpOptions', (_, mptcp) => connector({ mptcp }), { mod: 'require' }, "'options.mptcp.mode'"],
  ['MptcpOptions', (_, it) => enable(net.createServer(), it), { mod: 'off' }, "'options.mode'"],
  [
    'WithMptcpOptions',
    (_, it) => enable(net.createServer(), it),
    { mptcp: { congestionControl: 'reno' } },
    "'options.mptcp.hints.congestionControl'",
  ],
  [
    'BackupOptions',
    (_, it) => policies.backup(it),
    { standby: 'a', prefer: 'b' },
    'primary, standby',
  ],
  ['DataCapOptions', (_, it) => policies.dataCap(it), { interfaces: 'a' }, "'options.interface'"],
  ['HandoverOptions', (_, it) => policies.handover(it), { mod: 'simultaneous' }, 'options.mode'],
  ['HealOptions', (_, it) => policies.heal(it), { intervall: 10 }, "'options.interval'"],
  ['InteractiveOptions', (_, it) => policies.interactive(it), { holds: 1 }, "'options.hold'"],
  ['PerInterfaceOptions', (_, it) => policies.perInterface(it), { limits: 1 }, "'options.limit'"],
  ['SignalAllOptions', (_, it) => policies.signalAll(it), { ports: 1 }, "'options.port'"],
];

/** Types that are no arguments, or have only members that are needed. */
const NOT_OPTIONS = ['ConnectionSubflow', 'NamespaceConnection'];

let pm: PathManager;
beforeEach(async () => {
  pm = await PathManager.open();
});
afterEach(() => pm.close());

test.each(WRONG)('%s: %s', async (_type, receive, wrong, expected) => {
  const error = await Promise.resolve()
    .then(() => receive(pm, wrong as never))
    .then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  expect(error?.message).toMatch('Unknown option');
  expect(error?.message).toMatch(expected);
});

test('every exported type of options has a line above', () => {
  const text = readFileSync(path.join(__dirname, '../../lib/index.ts'), 'utf8');
  const types = text.match(/\b[A-Z]\w+/g) ?? [];
  const options = types.filter(
    (each) =>
      /(Options|Hints|Filter|Flags|Values|Local|KeepAlive|Limits|Announcement)$/.test(each) &&
      !['SysctlValues', 'Limits', ...NOT_OPTIONS].includes(each),
  );
  const tested = new Set(WRONG.map(([type]) => type));
  expect(options.length).toBeGreaterThan(25);
  expect(options.filter((each) => !tested.has(each))).toEqual([]);
});

test('a key whose value is undefined counts as not given', () => {
  expect(() => pm.connections({ port: undefined } as object)).not.toThrow();
});

test('a signal in the place of options is refused', () => {
  const { signal } = new AbortController();
  expect(() => pm.events(signal as never)).toThrow(/"options" argument must be an object/);
  expect(() => connection().events(signal as never)).toThrow(/"options" argument must be/);
});

test('a signal in the place of { signal } is refused', async () => {
  const { signal } = new AbortController();
  await expect(pm.limits.get(signal as never)).rejects.toThrow(/"options" argument must be/);
});

test("Node's own options are not checked", () => {
  expect(() => mptcpNet.createServer({ pauseOnConect: true, mptcp: {} } as object)).not.toThrow();
});

test('enable() accepts the options of a server too', () => {
  expect(() => enable(net.createServer(), { mptcp: { mode: 'off' } })).not.toThrow();
});

test('withMptcp() refuses a misspelt option before it calls', () => {
  const callback = jest.fn<undefined, []>();
  expect(() => withMptcp({ mod: 'off' } as object, callback)).toThrow(/'options\.mode'/);
  expect(callback).not.toHaveBeenCalled();
});

test('NODE_MPTCP: a misspelt key has a suggestion', () => {
  expect(() => parseRegisterOptions('mod=off')).toThrow(/did you mean mode\?/);
});

test.each([
  ['subflow', 'subflows'],
  ['NETNS', 'netns'],
  ['ns', 'netns'],
  ['zzz', undefined],
])('%s is nearest to %s', (word, expected) => {
  expect(nearest(word, ['subflows', 'netns', 'mode'])).toBe(expected);
});
