/** MPD7xx: one process, its preload and its sockets. */
import { type Check, check, type Fault } from '../check';
import type { ExaminedProcess } from '../reading/examined-process';

/** Whether an option is given, alone or with `=value`. */
const has = ({ options }: ExaminedProcess, ...names: string[]): boolean =>
  options.some((each) => names.some((name) => each === name || each.startsWith(`${name}=`)));

const PRELOAD = /(?:^|[=/])mptcp\/(?:dist\/(?:lib\/)?)?register(?:\.js)?$/;

const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The command line of the process with more options of Node.js. */
const restarted = ({ command }: ExaminedProcess, ...options: string[]): string => {
  const [program = 'node', ...rest] = command;
  return [program, ...options, ...rest].map(quote).join(' ');
};

const PERMISSION = check({
  id: 'MPD701',
  title: 'The permission model of Node.js allows addons',
  needs: [],
  reads: ['process'],
  judge({ process }): Fault[] {
    const isOn = has(process, '--permission', '--experimental-permission');
    if (!process.isNode || !isOn || has(process, '--allow-addons')) return [];
    return [
      {
        severity: 'error',
        message: `Process ${process.pid} was started with --permission and without --allow-addons: it cannot load the addon, and uses TCP.`,
        evidence: { [`/proc/${process.pid}/cmdline, NODE_OPTIONS`]: process.options.join(' ') },
        mend: restarted(process, '--allow-addons'),
      },
    ];
  },
});

const REGISTER = check({
  id: 'MPD702',
  title: 'The process uses this package',
  needs: ['MPD701'],
  reads: ['process', 'connections', 'listeners'],
  judge({ process, connections, listeners }): Fault[] {
    const own = [...connections, ...listeners].filter(
      ({ inode }) => inode !== undefined && process.inodes.includes(inode),
    ).length;
    const isRequested = process.options.some((each) => PRELOAD.test(each));
    // The addon is loaded with the first socket.
    if (isRequested || process.hasAddon || own > 0) return [];
    return [
      {
        severity: 'error',
        message: process.isNode
          ? `Process ${process.pid} has neither mptcp/register nor a socket of MPTCP: its connections use TCP.`
          : `Process ${process.pid} is no Node.js and has no socket of MPTCP: its connections use TCP.`,
        evidence: {
          [`/proc/${process.pid}/cmdline`]: process.command.join(' '),
          'options of Node.js': process.options.join(' '),
          [`addon in /proc/${process.pid}/maps`]: process.hasAddon,
          'sockets of MPTCP': own,
          sockets: process.inodes.length,
        },
        mend: process.isNode
          ? restarted(process, '--import', 'mptcp/register')
          : `mptcpize run ${process.command.map(quote).join(' ')}`,
      },
    ];
  },
});

/** Why connections fall back, by the counter that counts it (net/mptcp/mib.c). */
const CAUSES: Readonly<Record<string, string>> = {
  MPTcpExtMPCapableFallbackSYNACK: 'the peer, or what is before it, does not speak MPTCP',
  MPTcpExtMPCapableFallbackACK: 'the third packet of the handshake came without MPTCP',
  MPTcpExtMPCapableDataFallback: 'the first data came without MPTCP',
  MPTcpExtMD5SigFallback: 'TCP MD5 signatures leave no room for MPTCP',
  MPTcpExtDssFallback: 'a segment had a wrong mapping, or none',
  MPTcpExtSimultConnectFallback: 'both ends connected at the same time',
  MPTcpExtInfiniteMapTx: 'this host could not continue after a wrong checksum',
  MPTcpExtInfiniteMapRx: 'the peer could not continue after a wrong checksum',
  MPTcpExtMPCapableSYNTXDrop: 'SYNs with MPTCP were lost',
  MPTcpExtMPCapableSYNTXDisabled: 'SYNs with MPTCP had been lost before (MPD502)',
};

const FALLBACK = check({
  id: 'MPD703',
  title: 'The connections of the process speak MPTCP',
  needs: ['MPD702', 'MPD103'],
  reads: ['process', 'connections', 'counters'],
  judge({ process, connections, counters }): Fault[] {
    const own = connections.filter(
      ({ inode, state }) =>
        inode !== undefined && process.inodes.includes(inode) && state === 'ESTABLISHED',
    );
    const fallen = own.filter(({ fallback }) => fallback === true);
    if (fallen.length === 0) return [];
    const causes = Object.entries(CAUSES).filter(([name]) => (counters[name] ?? 0) > 0);
    const peers = Array.from(new Set(fallen.map(({ remote }) => remote.address)));
    return [
      {
        severity: 'warning',
        message: `${fallen.length} of ${own.length} connections of process ${process.pid} use TCP. Causes of all processes of the namespace: ${
          causes.map(([name, cause]) => `${cause} (${counters[name] ?? 0})`).join('; ') ||
          'none was counted'
        }.`,
        evidence: {
          'connections that fell back': fallen.length,
          peers: peers.slice(0, 8).join(' '),
          ...Object.fromEntries(causes.map(([name]) => [name, counters[name]])),
        },
      },
    ];
  },
});

export const PROCESSES: readonly Check[] = [PERMISSION, REGISTER, FALLBACK];
