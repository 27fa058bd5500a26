import { type Need, missing } from './requirements';

const requireAll = process.env.MPTCP_TEST_REQUIRE_ALL === '1';

/**
 * Declares tests that have requirements. Where one is missing, the tests are skipped and their name
 * says why; with MPTCP_TEST_REQUIRE_ALL=1 they fail.
 */
export function describeWith(name: string, needs: readonly Need[], tests: () => void): void {
  const reasons = needs.map(missing).filter((reason) => reason !== undefined);
  if (reasons.length === 0) {
    describe(name, tests);
  } else if (requireAll) {
    test(name, () => {
      throw new Error(reasons.join('\n'));
    });
  } else {
    describe.skip(`${name} (skipped: ${reasons.join('; ')})`, tests);
  }
}

/** Declares tests that need a kernel with MPTCP, network namespaces and the given `needs`. */
export function describeKernel(
  name: string,
  { needs = [] }: { needs?: readonly Need[] },
  tests: () => void,
): void {
  describeWith(name, ['ip', 'namespaces', 'mptcp', ...needs], tests);
}
