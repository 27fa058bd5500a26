/** `pm.counters()`: the MPTcpExt counters. */
import { invalidArgType } from '../base/arguments';

const SECTION = 'MPTcpExt:';

/** The MPTcpExt counters of the network namespace, by the kernel's names (net/mptcp/mib.c). */
export class Counters {
  /** Counts since the namespace exists; of a difference(), since the `previous` counters. */
  readonly values: Readonly<Record<string, number>>;

  private constructor(values: Record<string, number>) {
    this.values = values;
  }

  /** @internal Parses /proc/net/netstat, which has a line of names and then one of numbers. */
  static parse(netstat: string): Counters {
    const [names = [], numbers = []] = netstat
      .split('\n')
      .filter((line) => line.startsWith(SECTION))
      .map((line) => line.slice(SECTION.length).trim().split(/\s+/));
    return new Counters(Object.fromEntries(names.map((name, i) => [name, Number(numbers[i])])));
  }

  /** The counters that changed since `previous`, and by how much. */
  difference(previous: Counters): Counters {
    if (!(previous instanceof Counters)) {
      throw invalidArgType('previous', 'an instance of Counters', previous);
    }
    return new Counters(
      Object.fromEntries(
        Object.entries(this.values)
          .map(([name, value]) => [name, value - (previous.values[name] ?? 0)] as const)
          .filter(([, change]) => change !== 0),
      ),
    );
  }

  /** The values, for JSON.stringify(). */
  toJSON(): Readonly<Record<string, number>> {
    return this.values;
  }
}
