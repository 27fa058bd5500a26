/** The sysctls that the checks judge. */
import type { Abortable } from '../../base/abort';
import { throwIfAborted } from '../../base/abort';
import type { NetworkInterface } from '../../interfaces/interface';
import type { Commands } from '../../kernel/commands';
import { inTurn } from './in-turn';

const SETTINGS = [
  ...['enabled', 'allow_join_initial_addr_port', 'blackhole_timeout', 'checksum_enabled'].map(
    (name) => ['net', 'mptcp', name],
  ),
  ['net', 'mptcp', 'path_manager'],
  ['net', 'mptcp', 'pm_type'],
  ['net', 'mptcp', 'add_addr_v6_port_drop_ts'],
  ['net', 'ipv4', 'tcp_congestion_control'],
  ['net', 'ipv4', 'tcp_timestamps'],
  ['net', 'ipv4', 'conf', 'all', 'rp_filter'],
];

/** The name as sysctl(8) writes it: a dot of an interface's name becomes a slash. */
const nameOf = (parts: readonly string[]): string =>
  parts.map((part) => part.replaceAll('.', '/')).join('.');

/** Reads settings of a namespace; those that this kernel lacks are absent. */
export async function readSettings(
  commands: Commands,
  interfaces: readonly NetworkInterface[],
  abort: Abortable,
): Promise<Record<string, string>> {
  const filters = interfaces.map(({ name }) => ['net', 'ipv4', 'conf', name, 'rp_filter']);
  const entries = await inTurn([...SETTINGS, ...filters], async (parts) => {
    try {
      const text = await commands.readFile(`/proc/sys/${parts.join('/')}`, abort);
      return [[nameOf(parts), text.trim()] as const];
    } catch {
      throwIfAborted(abort.signal, false);
      return []; // this kernel lacks it
    }
  });
  return Object.fromEntries(entries.flat());
}
