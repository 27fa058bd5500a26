/** Tests how the kernel's messages become events. */
import { decodeEvent } from '../../../lib/events/decode';
import type { NativeEvent } from '../../../types/native';

const SUB_CLOSED = 11;
const local = { address: '10.0.0.1', port: 1000 };
const remote = { address: '10.0.0.2', port: 80 };
const closed: NativeEvent = { type: SUB_CLOSED, token: 7, local, remote };

test.each([
  [0, 'Unspecified error'],
  [1, 'MPTCP-specific error'],
  [2, 'Lack of resources'],
  [3, 'Administratively prohibited'],
  [4, 'Too much outstanding data'],
  [5, 'Unacceptable performance'],
  [6, 'Middlebox interference'],
])('the reason %i of a reset is "%s" (RFC 8684, section 3.6)', (resetReason, reason) => {
  expect(decodeEvent({ ...closed, resetReason, resetFlags: 0 })).toMatchObject({
    reset: { code: resetReason, reason, transient: false },
  });
  expect(decodeEvent({ ...closed, resetReason, resetFlags: 1 })).toMatchObject({
    reset: { code: resetReason, transient: true },
  });
});

test('a reason that no RFC names keeps its number, and no reset is none', () => {
  const event = decodeEvent({ ...closed, resetReason: 9 });
  expect(event).toMatchObject({ reset: { code: 9, transient: false } });
  expect((event as { reset: object }).reset).not.toHaveProperty('reason');
  expect(decodeEvent(closed)).not.toHaveProperty('reset');
});

test('an error has its name, and 0 is none', () => {
  expect(decodeEvent({ ...closed, error: 111 })).toMatchObject({ error: 'ECONNREFUSED' });
  expect(decodeEvent({ ...closed, error: 0 })).not.toHaveProperty('error');
});

test('an event of a newer kernel is passed on with its raw attributes', () => {
  const attributes = [{ type: 30, payload: new Uint8Array([1, 2, 3]) }];
  expect(decodeEvent({ type: 99, unknown: attributes })).toEqual({
    ...{ type: 'unknown', source: 'kernel', number: 99, attributes },
  });
});

test.each<[string, NativeEvent]>([
  ['created without an address', { type: 1, token: 7, local }],
  ['established without a token', { type: 2, local, remote }],
  ['closed without a token', { type: 3 }],
  ['announced without an address', { type: 6, token: 7, remoteId: 1 }],
  ['announced without an id', { type: 6, token: 7, remote }],
  ['removed without an id', { type: 7, token: 7 }],
  ['a subflow without its remote address', { type: 10, token: 7, local }],
  ['a closed subflow without its local address', { type: SUB_CLOSED, token: 7, remote }],
  ['a listener without its address', { type: 15 }],
])('%s is unknown too', (_, event) => {
  expect(decodeEvent(event)).toMatchObject({ type: 'unknown', number: event.type });
});

test('a newer attribute leaves a known event as it is', () => {
  const unknown = [{ type: 30, payload: new Uint8Array(4) }];
  expect(decodeEvent({ type: 3, token: 7, unknown })).toEqual({
    ...{ type: 'closed', source: 'kernel', token: 7 },
  });
});
