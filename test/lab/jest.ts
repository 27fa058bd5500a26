import { type Need, missing } from './requirements';

const requireAll = process.env.MPTCP_TEST_REQUIRE_ALL === '1';

/**
 * Tests that need what is named. Where something is missing they are skipped and say why; with
 * MPTCP_TEST_REQUIRE_ALL=1 they fail.
 */
export function describeWith(name: string, needs: readonly Need[], tests: () => void): void {
  const lacks = needs.map(missing).filter((reason) => reason !== undefined);
  if (lacks.length === 0) {
    describe(name, tests);
  } else if (requireAll) {
    test(name, () => {
      throw new Error(lacks.join('\n'));
    });
  } else {
    describe.skip(`${name} (skipped: ${lacks.join('; ')})`, tests);
  }
}

/** Tests that need a kernel with MPTCP, namespaces and whatever else is named. */
export function describeKernel(
  name: string,
  { needs = [] }: { needs?: readonly Need[] },
  tests: () => void,
): void {
  describeWith(name, ['ip', 'namespaces', 'mptcp', ...needs], tests);
}
