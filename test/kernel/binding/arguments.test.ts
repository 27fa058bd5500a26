/** Tests of the addon with wrong arguments: each is an error, and ignore crashes. */
import { types } from 'node:util';
import * as fc from 'fast-check';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';
import { native } from './native';

const ignore = () => undefined;
const options = { queue: 1 };

/** The addon without the types of its arguments. */
const loose = native as unknown as Record<
  string,
  (new (...args: unknown[]) => Record<string, (...args: unknown[]) => unknown>) & {
    prototype: Record<string, (this: unknown, ...args: unknown[]) => unknown>;
  }
>;

const endpoint = { id: 1, address: '10.0.0.1', port: 0, flags: 0, interface: 0 };
const add = (more: object) => [{ command: 'addEndpoint', endpoint: { ...endpoint, ...more } }];

// lib/ checks arguments before; these errors report a fault of lib/.
describeKernel('wrong arguments of the addon', {}, () => {
  test.each<[string, unknown[], string]>([
    ['Commands', [1], 'netns must be a string'],
    ['Commands', ['a\0b'], 'netns must be a string without zero bytes'],
    ['EventWatcher', [], 'options must be an object'],
    ['EventWatcher', [undefined, {}, ignore], 'options.queue must be a number'],
    ['EventWatcher', [undefined, { queue: -1 }, ignore], 'options.queue must be an integer from'],
    ['EventWatcher', [undefined, options], 'deliver must be a function'],
    ['EventWatcher', [undefined, { queue: 1, receiveBuffer: 1.5 }, ignore], 'receiveBuffer must'],
    ['InterfaceWatcher', [undefined, null, ignore], 'options must be an object'],
    ['ConnectionDump', [], 'filter must be an object'],
    ['ConnectionDump', [undefined, { localPort: 65536 }], 'filter.localPort must be an integer'],
    ['ConnectionDump', [undefined, { localAddress: 'x' }], 'filter.localAddress must be an IPv4'],
    ['SubflowDump', [undefined, {}], 'options.tcpInfo must be a boolean'],
  ])('new %s(%j): %s', (name, args, message) => {
    expect(() => new loose[name]!(...args)).toThrow(message);
  });

  test.each<[string, unknown[], string]>([
    ['run', [], 'commands must be an array'],
    ['run', [[]], 'callback must be a function'],
    ['run', [[undefined], ignore], 'commands[0] must be an object'],
    ['run', [new Array(3), ignore], 'commands[0] must be an object'],
    ['run', [[{ command: 'none' }], ignore], 'commands[0].command must be a command of'],
    ['run', [add({ address: '10.0.0' }), ignore], 'endpoint.address must be an IPv4 or IPv6'],
    ['run', [add({ address: '10.0.0.1%lo' }), ignore], 'endpoint.address must be an IPv4 or IPv6'],
    ['run', [add({ port: NaN }), ignore], 'commands[0].endpoint.port must be an integer from 0'],
    ['run', [add({ flags: 2 ** 32 }), ignore], 'endpoint.flags must be an integer from 0 to 4294'],
    ['run', [add({ interface: 'lo' }), ignore], 'endpoint.interface must be a number'],
    ['run', [[{ command: 'announce', endpoint }], ignore], 'commands[0].token must be a number'],
    ['addEndpoint', [1, ignore], 'endpoint must be an object'],
    ['addEndpoint', [endpoint], 'callback must be a function'],
    ['holdSetting', ['/proc/sys/net/x', 1, undefined, ignore], 'former must be a string'],
    ['holdSetting', ['/proc/sys/net/x', '1', 2, ignore], 'record must be a string'],
    ['namespaceExists', [undefined, ignore], 'handle must be a string'],
    ['endpoints', ['1', ignore], 'token must be a number'],
    ['links', [], 'callback must be a function'],
    ['addresses', [1], 'callback must be a function'],
    ['routes', [{}], 'callback must be a function'],
    ['findRoute', ['10.0.0.1', '::1', 0, ignore], 'destination and source must be of one family'],
    ['findRoute', ['10.0.0.1', '10.0.0.2', 'lo', ignore], 'interface must be a number'],
    ['findRoute', ['host', '10.0.0.2', 0, ignore], 'destination must be an IPv4 or IPv6'],
    ['readFile', [1, ignore], 'path must be a string'],
    ['writeFile', ['/proc/sys/net/x', 1, ignore], 'value must be a string'],
    ['listen', ['127.0.0.1', 'x', ignore], 'port must be a number'],
    ['listen', ['localhost', 1, ignore], 'address must be an IPv4 or IPv6 address'],
    ['holdName', [undefined, ignore], 'name must be a string'],
    ['nameOwner', ['x', undefined], 'callback must be a function'],
    ['family', [], 'callback must be a function'],
    ['cancel', ['1'], 'job must be a number'],
    ['close', [1], 'closed must be a function'],
  ])('commands.%s(%j): %s', (method, args, message) => {
    const commands = new loose.Commands!(undefined);
    expect(() => commands[method]!(...args)).toThrow(message);
    commands.close!();
  });

  test('random arguments throw or are answered', async () => {
    await using host = new Namespace('garbage');
    const commands = new loose.Commands!(host.name);
    const names = [
      ...['addEndpoint', 'deleteEndpoint', 'getEndpoint', 'setEndpointFlags', 'setLimits'],
      ...['announce', 'remove', 'createSubflow', 'destroySubflow', 'setSubflowFlags'],
    ];
    const wrong = fc.oneof(
      fc.integer({ min: -1, max: 2 ** 33 }),
      fc.constantFrom<unknown>(NaN, 0.5, 'fe80::1%none', 'a\0b', '', null, undefined, true, []),
      fc.anything(),
    );
    const usually = (right: fc.Arbitrary<unknown>) =>
      fc.oneof({ weight: 15, arbitrary: right }, { weight: 1, arbitrary: wrong });
    const byte = usually(fc.nat(255));
    const bits = usually(fc.nat(2 ** 31 - 1));
    const address = usually(
      fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('fe80::1%lo', 'fe80::1', '::', '127.0.0.1')),
    );
    const endpoint = usually(
      fc.record({ address, port: usually(fc.nat(65535)), id: byte, flags: bits, interface: byte }),
    );
    const command = fc.record({
      ...{ command: fc.constantFrom(...names), id: byte, localId: byte, address },
      ...{ token: bits, flags: bits, subflows: bits, endpoint, local: endpoint, remote: endpoint },
    });
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(usually(command), { maxLength: 2 }), async (list) => {
        const run = () =>
          new Promise((resolve) => commands.run!(list, (...result: unknown[]) => resolve(result)));
        try {
          await run();
          answered += Number(list.length > 0);
        } catch (error) {
          if (!types.isNativeError(error)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
    expect(answered).toBeGreaterThan(50);
    commands.close!();
  });

  test('methods of one class refuse the objects of another', () => {
    const dump = new loose.SubflowDump!(undefined, { tcpInfo: false });
    expect(() => loose.Commands!.prototype.family!.call({}, ignore)).toThrow();
    expect(() => loose.Commands!.prototype.family!.call(dump, ignore)).toThrow();
    expect(() => (loose.Commands as unknown as () => void)()).toThrow("without 'new'");
    expect(() => dump.next!()).toThrow('callback must be a function');
    dump.close!();
  });
});
