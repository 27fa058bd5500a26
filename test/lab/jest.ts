/** Declares tests that need something of the machine or of its kernel, in jest's words. */
import { type Need, missing } from './requirements';
import { withReasons } from './skipped';

const requireAll = process.env.MPTCP_TEST_REQUIRE_ALL === '1';

const reasonsOf = (needs: readonly Need[]): string[] =>
  needs.map(missing).filter((reason) => reason !== undefined);

function failing(name: string, reasons: readonly string[]): void {
  test(name, () => {
    throw new Error(reasons.join('\n'));
  });
}

/**
 * Declares tests that have requirements. Where one is missing, the tests are skipped and their name
 * says why; with MPTCP_TEST_REQUIRE_ALL=1 they fail.
 */
export function describeWith(name: string, needs: readonly Need[], tests: () => void): void {
  const reasons = reasonsOf(needs);
  if (reasons.length === 0) describe(name, tests);
  else if (requireAll) failing(name, reasons);
  else describe.skip(withReasons(name, reasons), tests);
}

/** Declares one test that has requirements, as {@link describeWith} does. */
export function testWith(name: string, needs: readonly Need[], run: () => Promise<void>): void {
  const reasons = reasonsOf(needs);
  if (reasons.length === 0) test(name, run);
  else if (requireAll) failing(name, reasons);
  else test.skip(withReasons(name, reasons), run);
}

/** Declares tests that need a kernel with MPTCP, network namespaces and the given `needs`. */
export function describeKernel(
  name: string,
  { needs = [] }: { needs?: readonly Need[] },
  tests: () => void,
): void {
  describeWith(name, ['ip', 'namespaces', 'mptcp', ...needs], tests);
}
