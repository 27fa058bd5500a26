/** The counters of /proc/net/netstat under the names that nstat(8) gives them. */

/** Parses pairs of lines, one with names and one with numbers, each after the name of its section. */
export function parseCounters(netstat: string): Record<string, number> {
  const counters: Record<string, number> = {};
  const lines = netstat.split('\n').map((line) => line.split(/\s+/));
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [section = '', ...names] = lines[i] ?? [];
    const [, ...numbers] = lines[i + 1] ?? [];
    // nstat writes MPTcpExtBlackhole for the counter Blackhole of the section 'MPTcpExt:'.
    const prefix = section.replace(/:$/, '');
    names.forEach((name, n) => {
      if (name !== '') counters[prefix + name] = Number(numbers[n]);
    });
  }
  return counters;
}
