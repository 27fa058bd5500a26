/** What an intent stands for, as far as socket options go. */
import type { Intent, SchedulingHints } from '../hints/hints';

/** So that a path that carries nothing is known to be gone after 20 seconds. */
const keepAlive = { idle: 10, interval: 2, count: 5 };

const OPTIONS: Record<Intent, SchedulingHints> = {
  aggregate: { optimize: 'throughput' },
  interactive: { optimize: 'latency' },
  handover: { keepAlive, noDelay: true }, // the last packet on a path that is left does not wait
  backup: { keepAlive },
};

/** What is given beside the intent wins. */
export function withIntent(hints: SchedulingHints): SchedulingHints {
  if (!hints.intent) return hints;
  const given = Object.entries(hints).filter(([, value]) => value !== undefined);
  return { ...OPTIONS[hints.intent], ...Object.fromEntries(given) };
}
