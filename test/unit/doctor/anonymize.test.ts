/** Tests that a report has no address and no name, and keeps which of them are alike. */
import fc from 'fast-check';
import { canonicalAddress } from '../../../lib/base/addresses';
import { Anonymizer } from '../../../lib/doctor/anonymize';
import { isInPrefix } from '../../../lib/doctor/source-route';

const anonymizer = new Anonymizer(Buffer.from('key'), ['db.example.org', 'example', 'abc']);

test('addresses in texts are replaced, the same ones alike, and nothing else is', () => {
  const text = anonymizer.text(
    'ip rule add from 10.2.1.1 table 7; 10.2.1.1/24, fd00:2::1%eth1, [fd00:2::1]:80 at 12:34:56, v6.18.44',
  );
  const [v4] = /10\.\d+\.\d+\.\d+/.exec(text) ?? [''];
  const [v6] = /fd00:[\da-f:]+/.exec(text) ?? [''];
  expect(v4).not.toBe('10.2.1.1');
  expect(text).toBe(
    `ip rule add from ${v4} table 7; ${v4}/24, ${v6}%eth1, [${v6}]:80 at 12:34:56, v6.18.44`,
  );
});

test.each(['127.0.0.1', '0.0.0.0', '::', '::1', '192.0.2.1', '2001:db8::1', 'ff02::1'])(
  '%s stays',
  (address) => expect(anonymizer.text(address)).toBe(address),
);

test('words are replaced, longer ones first, in values and names of properties', () => {
  expect(anonymizer.value({ 'example 10.0.0.1': ['db.example.org', 1, null, 'abc'] })).toEqual({
    [`word2 ${anonymizer.address('10.0.0.1')}`]: ['word1', 1, null, 'abc'],
  });
});

test('another key replaces otherwise', () => {
  const other = new Anonymizer(Buffer.from('other'), []);
  expect(other.address('10.2.1.1')).not.toBe(anonymizer.address('10.2.1.1'));
});

test.each([
  ['IPv4', fc.ipV4(), 32],
  [
    'IPv6',
    fc
      .ipV6()
      .map(canonicalAddress)
      .filter((each) => each.includes(':')),
    128,
  ],
])('%s: addresses share prefixes as before', (_family, address, longest) => {
  const plain = (each: string): boolean => anonymizer.address(each) === each;
  fc.assert(
    fc.property(address, address, fc.integer({ min: 1, max: longest }), (one, other, length) => {
      fc.pre(!plain(one) && !plain(other));
      expect(isInPrefix(anonymizer.address(other), anonymizer.address(one), length)).toBe(
        isInPrefix(other, one, length),
      );
    }),
  );
});
