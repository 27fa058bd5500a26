/** Tests how the environment variable NODE_MPTCP is read. */
import { parseRegisterOptions } from '../../../lib/drop-in/register-options';

const modes = (text?: string) => {
  const { connect, listen } = parseRegisterOptions(text);
  return [connect.mode, listen.mode];
};

describe('NODE_MPTCP: modes', () => {
  test.each([
    [undefined, 'prefer', 'prefer'],
    ['', 'prefer', 'prefer'],
    [' \t\n', 'prefer', 'prefer'],
    ['mode=require', 'require', 'require'],
    ['mode=off', 'off', 'off'],
    ['connect=off', 'off', 'prefer'],
    ['listen=require', 'prefer', 'require'],
    ['mode=off listen=prefer', 'off', 'prefer'],
    ['listen=prefer  mode=off', 'off', 'prefer'],
    ['connect=require listen=off', 'require', 'off'],
  ])('%j: connect %s, listen %s', (text, connect, listen) => {
    expect(modes(text)).toEqual([connect, listen]);
  });
});

test('the congestion control is that of both', () => {
  const { connect, listen } = parseRegisterOptions('congestionControl=reno');
  expect(connect.congestionControl).toBe('reno');
  expect(listen.congestionControl).toBe('reno');
  expect(parseRegisterOptions().connect.congestionControl).toBe('auto');
});

describe('NODE_MPTCP: exclude', () => {
  test('nothing, unless told', () => {
    for (const text of ['', 'mode=require', 'exclude=']) {
      const { connect, listen } = parseRegisterOptions(text);
      expect([connect.excludes, listen.excludes]).toEqual([undefined, undefined]);
    }
  });

  test.each<[exclude: string, excluded: [string, number][], others: [string, number][]]>([
    [
      '10.0.0.1',
      [
        ['10.0.0.1', 1],
        ['10.0.0.1', 443],
        ['::ffff:10.0.0.1', 443],
      ],
      [
        ['10.0.0.2', 443],
        ['::1', 443],
      ],
    ],
    ['10.0.0.0/8', [['10.255.0.1', 80]], [['11.0.0.1', 80]]],
    ['0.0.0.0/0', [['192.0.2.1', 80]], [['2001:db8::1', 80]]],
    [
      ':443',
      [
        ['10.0.0.1', 443],
        ['::1', 443],
      ],
      [['10.0.0.1', 80]],
    ],
    [
      '10.0.0.1:443',
      [['10.0.0.1', 443]],
      [
        ['10.0.0.1', 80],
        ['10.0.0.2', 443],
      ],
    ],
    [
      '10.0.0.0/24:443',
      [['10.0.0.9', 443]],
      [
        ['10.0.0.9', 80],
        ['10.0.1.9', 443],
      ],
    ],
    [
      '::1',
      [
        ['::1', 443],
        ['0:0:0:0:0:0:0:1', 443],
      ],
      [
        ['::2', 443],
        ['127.0.0.1', 443],
      ],
    ],
    ['2001:db8::/32', [['2001:db8:1::1', 80]], [['2001:db9::1', 80]]],
    ['[2001:db8::1]', [['2001:db8::1', 80]], [['2001:db8::2', 80]]],
    ['[2001:db8::1]:443', [['2001:db8::1', 443]], [['2001:db8::1', 80]]],
    ['[2001:db8::/32]:443', [['2001:db8:9::1', 443]], [['2001:db8:9::1', 80]]],
    [
      '10.0.0.1,:22,fd00::/8',
      [
        ['10.0.0.1', 1],
        ['::1', 22],
        ['fd12::1', 1],
      ],
      [['10.0.0.2', 1]],
    ],
  ])('%s', (exclude, excluded, others) => {
    const { connect, listen } = parseRegisterOptions(`exclude=${exclude}`);
    for (const { excludes } of [connect, listen]) {
      for (const [address, port] of excluded) expect(excludes?.(address, port)).toBe(true);
      for (const [address, port] of others) expect(excludes?.(address, port)).toBe(false);
    }
  });
});

describe('NODE_MPTCP: what is wrong is named', () => {
  test.each([
    ['on', 'on'],
    ['mode', 'mode'],
    ['=off', '=off'],
    ['Mode=off', 'Mode=off'],
    ['mode=off listn=off', 'listn=off'],
    ['mode=', ''],
    ['mode=always', 'always'],
    ['connect=1', '1'],
    ['congestionControl=', ''],
    ['mode=off mode=prefer', 'mode=prefer'],
    ['exclude=10.0.0.1 exclude=10.0.0.2', 'exclude=10.0.0.2'],
    ['exclude=example.test', 'example.test'],
    ['exclude=10.0.0.1,here', 'here'],
    ['exclude=10.0.0.0/33', '10.0.0.0/33'],
    ['exclude=2001:db8::/129', '2001:db8::/129'],
    ['exclude=10.0.0.0/', '10.0.0.0/'],
    ['exclude=10.0.0.1:', '10.0.0.1:'],
    ['exclude=:0', ':0'],
    ['exclude=:65536', ':65536'],
    ['exclude=[::1', '[::1'],
    ['exclude=[10.0.0.1', '[10.0.0.1'],
    ['exclude=1.2.3', '1.2.3'],
  ])('%j', (text, word) => {
    expect(() => parseRegisterOptions(text)).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringMatching(/NODE_MPTCP.*Received/s) as string,
      }) as Error,
    );
    expect(() => parseRegisterOptions(text)).toThrow(`'${word}'`);
  });
});
