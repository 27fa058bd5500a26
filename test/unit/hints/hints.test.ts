/** Tests the checks of hints, and the socket options that they become. */
import net from 'node:net';
import { connectionOf } from '../../../lib';
import { checkHints } from '../../../lib/hints/hints';
import { optionHints } from '../../../lib/hints/socket-options';

const TYPE = { code: 'ERR_INVALID_ARG_TYPE' };
const VALUE = { code: 'ERR_INVALID_ARG_VALUE' };
const RANGE = { code: 'ERR_OUT_OF_RANGE' };

const containing = (properties: object) => expect.objectContaining(properties) as Error;

describe('checkHints', () => {
  test.each([
    [null, TYPE],
    [[], TYPE],
    [{ congestionControl: 1 }, TYPE],
    [{ congestionControl: '' }, VALUE],
    [{ congestionControl: 'sixteen-letters!' }, VALUE],
    [{ intent: 'fast' }, VALUE],
    [{ optimize: 'both' }, VALUE],
    [{ noDelay: 1 }, TYPE],
    [{ notsentLowat: -1 }, RANGE],
    [{ notsentLowat: 0.5 }, RANGE],
    [{ sendBuffer: 0 }, RANGE],
    [{ receiveBuffer: 2 ** 31 }, RANGE],
    [{ dscp: 64 }, RANGE],
    [{ dscp: '46' }, TYPE],
    [{ priority: -1 }, RANGE],
    [{ mark: 2 ** 32 }, RANGE],
    [{ keepAlive: true }, TYPE],
    [{ keepAlive: { idle: 0 } }, RANGE],
    [{ keepAlive: { interval: 32_768 } }, RANGE],
    [{ keepAlive: { count: 128 } }, RANGE],
    [{ interface: '' }, VALUE],
    [{ interface: 'sixteen-letters!' }, VALUE],
    [{ paths: 'eth1' }, TYPE],
    [{ paths: { prefer: 1 } }, TYPE],
    [{ paths: { avoid: ['eth1', ''] } }, VALUE],
    [{ paths: { backup: ['10.0.0.1', 'sixteen-letters!'] } }, VALUE],
    [{ paths: { subflows: 0 } }, RANGE],
    [{ paths: { endpoints: 1 } }, TYPE],
  ])('%j is refused', (hints, error) => {
    expect(() => checkHints('hints', hints)).toThrow(containing(error));
  });

  test('says which hint is wrong', () => {
    expect(() => checkHints('options.mptcp.hints', { keepAlive: { idle: 0 } })).toThrow(
      'options.mptcp.hints.keepAlive.idle',
    );
  });

  test('before the socket is asked', async () => {
    const connection = connectionOf(new net.Socket());
    await expect(connection.hint({ dscp: 64 })).rejects.toMatchObject(RANGE);
    await expect(connection.hint({ dscp: 46 })).rejects.toMatchObject({
      code: 'ERR_MPTCP_UNAVAILABLE',
    });
    const signal = AbortSignal.abort();
    await expect(connection.hint({ dscp: 46 }, { signal })).rejects.toMatchObject({
      ...{ name: 'AbortError', applied: false },
    });
  });
});

describe('optionHints', () => {
  const options = (hints: Parameters<typeof optionHints>[0]) =>
    optionHints(hints).map(({ by, requested }) => [by, requested]);

  test('nothing for no hints, nor for the congestion control', () => {
    expect(options({})).toEqual([]);
    expect(options({ congestionControl: 'reno' })).toEqual([]);
  });

  test('presets, and what is given beside them', () => {
    expect(options({ optimize: 'latency' })).toEqual([
      ['TCP_NODELAY', true],
      ['TCP_NOTSENT_LOWAT', 16384],
    ]);
    expect(options({ optimize: 'throughput', noDelay: true })).toEqual([
      ['TCP_NODELAY', true],
      ['TCP_NOTSENT_LOWAT', 0],
    ]);
    expect(options({ optimize: 'latency', noDelay: undefined } as object)).toContainEqual([
      'TCP_NODELAY',
      true,
    ]);
  });

  test('intents, and what is given beside them', () => {
    expect(options({ intent: 'aggregate' })).toEqual(options({ optimize: 'throughput' }));
    expect(options({ intent: 'interactive', noDelay: false })).toEqual([
      ['TCP_NODELAY', false],
      ['TCP_NOTSENT_LOWAT', 16384],
    ]);
    expect(options({ intent: 'backup', keepAlive: false })).toEqual([['SO_KEEPALIVE', false]]);
    expect(options({ intent: 'handover' })).toContainEqual(['TCP_KEEPIDLE', 10]);
    expect(options({ intent: 'handover' })).toContainEqual(['TCP_NODELAY', true]);
    expect(options({ intent: 'handover', keepAlive: undefined } as object)).toContainEqual([
      'TCP_KEEPIDLE',
      10,
    ]);
  });

  test('a priority comes after the TOS, which changes it', () => {
    expect(options({ priority: 3, dscp: 46 })).toEqual([
      ['IP_TOS', 46],
      ['SO_PRIORITY', 3],
    ]);
  });

  test('keepAlive', () => {
    expect(options({ keepAlive: false })).toEqual([['SO_KEEPALIVE', false]]);
    expect(options({ keepAlive: { idle: 5, count: 2 } })).toEqual([
      ['SO_KEEPALIVE', true],
      ['TCP_KEEPIDLE', 5],
      ['TCP_KEEPCNT', 2],
    ]);
  });
});
