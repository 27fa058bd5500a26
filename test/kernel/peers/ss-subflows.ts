import type { Namespace } from '../../lab/namespace';

/** What ss shows of every TCP socket that is connected to (`dport`) or from (`sport`) the port. */
export function shownSubflows(
  host: Namespace,
  port: number,
  ...ends: readonly ('dport' | 'sport')[]
): string[] {
  const of = ends.map((end) => `${end} = :${port}`).join(' or ');
  const filter = ['state', 'established', `( ${of} )`];
  const lines = host.exec('ss', ['-tineomHO', '--tos', ...filter]).trim();
  return lines.split('\n').filter((line) => line.includes('mptcp'));
}
