import type { Namespace } from '../../lab/namespace';

/** The lines of ss(8) about each subflow that is connected to (`dport`) or from (`sport`) a port. */
export function ssSubflows(
  host: Namespace,
  port: number,
  ...ends: readonly ('dport' | 'sport')[]
): string[] {
  const ports = ends.map((end) => `${end} = :${port}`).join(' or ');
  const filter = ['state', 'established', `( ${ports} )`];
  const lines = host.exec('ss', ['-tineomHO', '--tos', ...filter]).trim();
  return lines.split('\n').filter((line) => line.includes('mptcp'));
}
