import { invalidArgType } from '../base/arguments';

const SECTION = 'MPTcpExt:';

/** The kernel's MPTcpExt counters of the network namespace, by the kernel's names. */
export class Counters {
  /** Since the namespace exists, or since the `previous` ones of difference(). */
  readonly values: Readonly<Record<string, number>>;

  private constructor(values: Record<string, number>) {
    this.values = values;
  }

  /** @internal from the text of /proc/net/netstat: a line of names, then one of numbers */
  static parse(netstat: string): Counters {
    const [names = [], numbers = []] = netstat
      .split('\n')
      .filter((line) => line.startsWith(SECTION))
      .map((line) => line.slice(SECTION.length).trim().split(/\s+/));
    return new Counters(Object.fromEntries(names.map((name, i) => [name, Number(numbers[i])])));
  }

  /** What was counted since: only what changed. */
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

  toJSON(): Readonly<Record<string, number>> {
    return this.values;
  }
}
