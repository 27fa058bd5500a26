import { newBucket, nextCreationAt } from '../../../lib/policy/engine/pacing';

test.each([
  [0, 16],
  [2, 16],
  [8, 16],
  [16, 32],
  [64, 128],
])(
  'with a limit of %i subflows, %i can be requested at once, and an eighth of it a second',
  (limit, most) => {
    const bucket = newBucket({ subflows: limit, addresses: 8 }, 1000);
    let requested = 0;
    for (; nextCreationAt(bucket, 1000) === 1000 && requested <= most; requested++) bucket.level--;
    expect(requested).toBe(most);
    expect(nextCreationAt(bucket, 1000)).toBe(1000 + 8000 / most);
    expect(nextCreationAt(bucket, 1000 + 4000 / most)).toBe(1000 + 8000 / most);
    expect(nextCreationAt(bucket, 1000 + 8000 / most)).toBe(1000 + 8000 / most);
    nextCreationAt(bucket, 1e9);
    expect(bucket.level).toBe(most);
  },
);
