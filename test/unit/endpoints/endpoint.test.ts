import { publicEndpoint } from '../../../lib/endpoints/endpoint';

test('an endpoint has the flags that the library does not know', async () => {
  const native = { id: 1, address: '10.0.0.1', port: 0, flags: 1 | 4 | 64, interface: 0 };
  expect(await publicEndpoint(undefined as never, native)).toEqual({
    ...{ id: 1, address: '10.0.0.1', flags: 69 },
    ...{ signal: true, subflow: false, backup: true, fullmesh: false, implicit: false },
    laminar: false,
  });
});
