/** What tests require of the machine, and how its absence is explained. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type CapabilityName, isCapability, lacking } from './capabilities';
import { namespacesAvailable } from './namespace';

/** Commands that tests use, and the Debian packages that contain them. */
const PACKAGES = {
  curl: 'curl',
  'g++': 'g++',
  ip: 'iproute2',
  iperf3: 'iperf3',
  mptcpize: 'mptcpize',
  nft: 'nftables',
  nginx: 'nginx',
  postgres: 'postgresql',
  'redis-server': 'redis-server',
  tc: 'iproute2',
} as const;

type Command = keyof typeof PACKAGES;
export type Need = CapabilityName | Command | 'mptcp' | 'namespaces' | 'tun';

/** The path of a command, also of one that Debian keeps out of PATH. */
export function findCommand(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter)];
  const versions = '/usr/lib/postgresql';
  if (existsSync(versions))
    folders.push(...readdirSync(versions).map((version) => join(versions, version, 'bin')));
  return folders.map((folder) => join(folder, name)).find(executable);
}

/** Says why a requirement is not met; undefined where it is. */
export function missing(need: Need): string | undefined {
  if (!reasons.has(need)) reasons.set(need, find(need));
  return reasons.get(need);
}

const reasons = new Map<Need, string | undefined>();

function find(need: Need): string | undefined {
  if (isCapability(need)) return missing('mptcp') === undefined ? lacking(need) : need;
  switch (need) {
    case 'namespaces': {
      const namespaces = namespacesAvailable();
      return namespaces.ok ? undefined : namespaces.reason;
    }
    case 'mptcp':
      return existsSync('/proc/sys/net/mptcp/enabled') ? undefined : 'the kernel has no MPTCP';
    case 'tun':
      return accessible('/dev/net/tun', constants.R_OK | constants.W_OK)
        ? undefined
        : 'no access to /dev/net/tun';
    default:
      return findCommand(need) === undefined
        ? `no ${need} (Debian package ${PACKAGES[need]})`
        : undefined;
  }
}

function accessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

const executable = (path: string): boolean => accessible(path, constants.X_OK);
