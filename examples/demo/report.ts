import Table from 'cli-table3';
import pc from 'picocolors';
import { megabits, megabytes, PLAIN_TABLE } from './format';
import type { Summary } from './summary';

/** Formats the summary as a table with a verdict. */
export function describe(summary: Summary): string {
  const { rates, subflows, longestStall, sha256, sha256Received, status, failures } = summary;
  const table = new Table(PLAIN_TABLE);
  const rate = (what: string, value: number | undefined, remark = ''): void => {
    if (value !== undefined) table.push([what, `${pc.bold(megabits(value))}${remark}`]);
  };
  const { onePath, twoPaths } = rates;
  const gain = onePath && twoPaths ? `  (${(twoPaths / onePath).toFixed(2)} times)` : '';

  table.push(['Protocol', status === 'mptcp' ? 'Multipath TCP' : `TCP (status: ${status})`]);
  rate('Rate with one path', onePath);
  rate('Rate with two paths', twoPaths, gain);
  rate('Rate while path 1 was cut', rates.firstPathCut);
  rate('Rate after its return', rates.firstPathRestored);
  rate('Rate of the whole download', rates.whole);
  table.push(['Longest stall', pc.bold(`${longestStall} ms`)]);
  for (const [index, { id, local, remote, bytes }] of subflows.entries()) {
    const addresses = `${local.address} → ${remote.address}`;
    table.push([`Subflow ${id ?? index + 1}`, `${pc.bold(megabytes(bytes))}  ${addresses}`]);
  }
  const same = sha256 === sha256Received;
  table.push(['SHA-256', same ? sha256 : `${sha256} was sent\n${sha256Received} was received`]);

  const verdict = failures.length === 0 ? [pc.green(success(summary))] : failures.map(failure);
  return [table.toString(), ...verdict].join('\n');
}

const failure = (what: string): string => pc.red(`Failed: ${what}.`);

const success = ({ network }: Summary): string =>
  network === 'loopback'
    ? 'The file arrived intact. Two paths need network namespaces.'
    : 'The file arrived intact over two paths, one of which was cut and restored on the way.';
