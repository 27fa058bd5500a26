import type { NetworkAddress, NetworkLink } from '../../../lib';
import { isLinkLocal, isUsable } from '../../../lib/interfaces/interface';
import { address, link } from '../policy/support';

describe('isUsable', () => {
  const usable = (
    text: string,
    more: Partial<NetworkAddress> = {},
    device: Partial<NetworkLink> = {},
  ) => isUsable(address('eth0', text, more), link(2, 'eth0', device));

  test.each([['10.0.0.1'], ['fd00::1'], ['2001:db8::1']])('accepts %s', (text) => {
    expect(usable(text)).toBe(true);
  });

  test.each<[string, string, Partial<NetworkAddress>?, Partial<NetworkLink>?]>([
    ['IPv4 link-local, whatever its scope', '169.254.3.4'],
    ['IPv6 link-local', 'fe80::1', { scope: 'link' }],
    ['site scope', 'fec0::1', { scope: 'site' }],
    ['tentative', 'fd00::1', { tentative: true }],
    ['deprecated', '10.0.0.1', { deprecated: true }],
    ['duplicate', 'fd00::1', { duplicate: true }],
    ['on an interface that is not running', '10.0.0.1', {}, { running: false }],
    ['on the loopback', '10.0.0.1', {}, { loopback: true }],
  ])('refuses an address that is %s', (_why, ...row) => {
    expect(usable(...row)).toBe(false);
  });
});

test.each([
  ['169.254.0.1', true],
  ['169.25.4.1', false],
  ['fe80::1%eth0', true],
  ['FEBF::1', true],
  ['fec0::1', false],
  ['fe8::1', false],
])('isLinkLocal: %s is %s', (text, expected) => {
  expect(isLinkLocal(text)).toBe(expected);
});
