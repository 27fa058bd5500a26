/** Tests what the demo's summary finds fault with. */
import type { Result } from '../../../examples/demo/download';
import type { Network } from '../../../examples/demo/network';
import { summarize } from '../../../examples/demo/summary';

const end = (address: string) => ({ address, port: 1, family: 'IPv4' as const });

const flow = (path: number, bytes: number) => ({
  ...{ id: path, path, bytes, rate: 0 },
  ...{ local: end(`10.${path}.1.1`), remote: end('10.1.2.1') },
});

const GOOD: Result = {
  ...{ time: 2000, size: 100, received: 100, rate: 0, longestStall: 1.6, status: 'mptcp' },
  flows: [flow(1, 60), flow(2, 50)],
  rates: { onePath: 20, twoPaths: 34, firstPathCut: 14, firstPathRestored: 33 },
};

function failures(
  change: Partial<Result>,
  { kind = 'namespaces', came = 'a' }: { kind?: Network['kind']; came?: string } = {},
): string[] {
  const hashes = { sha256: 'a', sha256Received: came };
  return summarize({ kind }, { ...GOOD, ...change }, hashes).failures;
}

describe("the demo's summary", () => {
  test('finds nothing where all went well', () => {
    expect(failures({})).toEqual([]);
  });

  test.each<[string, Partial<Result>, RegExp]>([
    ['a fallback', { status: 'fallback' }, /speaks TCP/],
    ['a second path that did not join', { flows: [flow(1, 100)] }, /path 2 carried 0 bytes/],
    ['a path that hardly carried', { flows: [flow(1, 5), flow(2, 100)] }, /path 1 carried 5 bytes/],
    ['no gain', { rates: { ...GOOD.rates, twoPaths: 21 } }, /hardly faster/],
    ['no return', { rates: { onePath: 20, twoPaths: 34 } }, /nothing after its return/],
  ])('names %s', (_, change, failure) => {
    expect(failures(change)).toEqual([expect.stringMatching(failure)]);
  });

  test('names a file that changed on its way, over loopback too', () => {
    for (const kind of ['namespaces', 'loopback'] as const) {
      expect(failures({}, { kind, came: 'b' })).toEqual([expect.stringMatching(/not the file/)]);
    }
  });

  test('asks over loopback for no second path', () => {
    const flows = [flow(1, 100)];
    expect(failures({ flows, rates: {}, status: 'fallback' }, { kind: 'loopback' })).toEqual([]);
  });
});
