/** Turns errors of the kernel into MptcpErrors: one table has the code and advice for each. */
import { existsSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import type { NativeError } from '../../types/native';
import { isNativeError, MptcpError, type MptcpErrorCode } from '../base/errors';

interface Refusal {
  /** Matches the command, the system call or the file that failed. */
  call?: RegExp;
  errno?: string;
  extack?: RegExp;
  /** Whether it applies on this machine. */
  here?: () => boolean;
  code: MptcpErrorCode;
  /** What to do about it; $1 stands for what `extack` captured. */
  advice: string;
}

const needs = (what: string, capability: 'NET_ADMIN' | 'SYS_ADMIN'): string => {
  const name = capability.toLowerCase();
  return (
    `${what} needs CAP_${capability}: run as root; or give it to this process as an ambient ` +
    `capability (systemd: AmbientCapabilities=CAP_${capability}; else setpriv ` +
    `--inh-caps=+${name} --ambient-caps=+${name} node …); or use a network namespace of your own ` +
    '(unshare -Urn). Do not use setcap on node: it then ignores NODE_OPTIONS'
  );
};

const NEEDS_NET_ADMIN = needs('This', 'NET_ADMIN');
const NEEDS_SYS_ADMIN = needs('Another network namespace', 'SYS_ADMIN');

const ANY_COMMAND = /^MPTCP_PM_CMD_/;
const NETLINK_SOCKET = /^socket AF_NETLINK/;
const PROC_FILE = /^(open|read|write) \/proc\/(sys|net)\//;

/** The first entry that matches is used. */
const REFUSALS: readonly Refusal[] = [
  {
    call: /^(setns|open .*(netns|\/ns\/net))/,
    errno: 'EPERM',
    code: 'ERR_MPTCP_PERMISSION',
    advice: NEEDS_SYS_ADMIN,
  },
  {
    call: /^(setns|open .*(netns|\/ns\/net))/,
    errno: 'EACCES',
    code: 'ERR_MPTCP_PERMISSION',
    advice: NEEDS_SYS_ADMIN,
  },
  {
    call: /^open (?!\/proc\/(sys|net)\/)/,
    errno: 'ENOENT',
    code: 'ERR_MPTCP_NOT_FOUND',
    advice: 'There is no such network namespace: `ip netns list` shows those with a name',
  },
  {
    call: /^setns/,
    errno: 'EINVAL',
    code: 'ERR_MPTCP_NOT_FOUND',
    advice: 'The file is not a network namespace',
  },
  {
    call: /^if_nametoindex/,
    code: 'ERR_MPTCP_NOT_FOUND',
    advice: 'The network namespace has no such interface: pm.interfaces.list() gives those it has',
  },
  {
    errno: 'EMFILE',
    code: 'ERR_MPTCP_SYSTEM',
    advice: 'This process may open no more files: raise its limit (ulimit -n), or close some',
  },
  {
    errno: 'ENFILE',
    code: 'ERR_MPTCP_SYSTEM',
    advice: 'This machine may open no more files: raise sysctl fs.file-max',
  },
  // What forbids sockets of netlink chooses its errno freely, but these are none of it.
  ...['ENOBUFS', 'ENOMEM'].map((errno) => ({
    ...{ call: NETLINK_SOCKET, errno, code: 'ERR_MPTCP_SYSTEM' as const },
    advice: 'The machine, or the control group of this process, has too little memory',
  })),
  {
    call: NETLINK_SOCKET,
    code: 'ERR_MPTCP_PERMISSION',
    advice:
      'The path manager, events and connections() need netlink, which a filter of system calls forbids ' +
      'here: allow AF_NETLINK (systemd: RestrictAddressFamilies=; a container: its seccomp profile)',
  },
  {
    call: PROC_FILE,
    errno: 'EROFS',
    code: 'ERR_MPTCP_PERMISSION',
    advice:
      'The container or service of this process has a read-only /proc/sys: change the setting from outside ' +
      '(docker run --sysctl; Kubernetes: securityContext.sysctls; systemd: ProtectKernelTunables=no)',
  },
  {
    call: PROC_FILE,
    errno: 'ENOENT',
    here: () => !existsSync('/proc/sys/net'),
    code: 'ERR_MPTCP_PERMISSION',
    advice:
      'The container, service or chroot of this process hides /proc, or a part of it: let it have that of ' +
      'the system, read-only where settings are only to be read',
  },
  { errno: 'EPERM', code: 'ERR_MPTCP_PERMISSION', advice: NEEDS_NET_ADMIN },
  { errno: 'EACCES', code: 'ERR_MPTCP_PERMISSION', advice: NEEDS_NET_ADMIN },
  {
    call: /^thread /,
    errno: 'EAGAIN',
    code: 'ERR_MPTCP_SYSTEM',
    advice:
      'There is no thread to be had: raise the limit of the control group (pids.max; systemd: TasksMax), ' +
      'or of the user (ulimit -u)',
  },
  { errno: 'ECANCELED', code: 'ERR_MPTCP_CLOSED', advice: 'It was closed before this was done' },
  {
    call: /^CTRL_CMD_GETFAMILY/,
    errno: 'ENOENT',
    code: 'ERR_MPTCP_UNSUPPORTED',
    advice: 'This kernel has no MPTCP path manager: it needs Linux 5.6 with CONFIG_MPTCP',
  },
  {
    call: /^(open|read|write) \/proc\/sys\//,
    errno: 'ENOENT',
    code: 'ERR_MPTCP_UNSUPPORTED',
    advice: 'This kernel has no such setting or value: pm.sysctls.get() gives those it has',
  },
  {
    call: ANY_COMMAND,
    errno: 'ENOTSUP', // EOPNOTSUPP, as libuv calls it
    code: 'ERR_MPTCP_UNSUPPORTED',
    advice: 'This kernel does not know the command: the userspace path manager needs Linux 5.19',
  },
  {
    extack: /userspace PM not selected/,
    code: 'ERR_MPTCP_PATH_MANAGER',
    advice:
      'The in-kernel path manager has this connection, for as long as it lives. Connections that ' +
      "begin after pm.mode.set('userspace') can be managed one by one; this one follows " +
      'pm.endpoints and pm.limits',
  },
  {
    extack: /limit greater than maximum \((\d+)\)/,
    code: 'ERR_MPTCP_LIMIT',
    advice: 'The kernel allows $1 at most, and nothing raises that',
  },
  {
    call: /SET_LIMITS$/, // Linux 6.12 and older do not say which
    errno: 'EINVAL',
    code: 'ERR_MPTCP_LIMIT',
    advice: 'The kernel allows less, and nothing raises that',
  },
  {
    call: /ADD_ADDR$/,
    errno: 'ERANGE',
    code: 'ERR_MPTCP_LIMIT',
    advice: 'The network namespace has no room for another: free one by pm.endpoints.delete(id)',
  },
  {
    call: /ADD_ADDR$/,
    errno: 'EEXIST',
    code: 'ERR_MPTCP_EXISTS',
    advice: 'An endpoint has this address: pm.endpoints.update() changes it',
  },
  {
    call: /ADD_ADDR$/,
    errno: 'EBUSY',
    code: 'ERR_MPTCP_EXISTS',
    advice: 'An endpoint has this id: leave it out and the kernel chooses one',
  },
  {
    call: /ADD_ADDR$/,
    errno: 'EADDRINUSE',
    code: 'ERR_MPTCP_EXISTS',
    advice:
      'A socket has this address and port already; a listener without MPTCP cannot accept joins',
  },
  {
    call: /ADD_ADDR$/,
    errno: 'EADDRNOTAVAIL',
    code: 'ERR_MPTCP_NOT_FOUND',
    advice: 'To listen at a port, the address must be one of an interface that is up',
  },
  {
    call: /^(bind|listen)$/,
    errno: 'EADDRINUSE',
    code: 'ERR_MPTCP_EXISTS',
    advice:
      'A socket that is no MPTCP listener has this address and port, so that joins cannot be accepted ' +
      'there: announce another port, or pass listen: false if joins reach an MPTCP listener elsewhere',
  },
  {
    call: /^(bind|listen)$/,
    errno: 'EADDRNOTAVAIL',
    code: 'ERR_MPTCP_NOT_FOUND',
    advice:
      'This host does not have the address, or its interface is down: pass listen: false if the ' +
      'address is translated to one of this host (NAT, a load balancer)',
  },
  {
    extack: /did not match address and id/,
    code: 'ERR_MPTCP_EXISTS',
    advice: 'In this connection the address has another id, or the id another address',
  },
  {
    extack: /invalid token|[Tt]oken not found/,
    code: 'ERR_MPTCP_NOT_FOUND',
    advice:
      'No connection of this network namespace has the token: pm.connections() gives those that are open',
  },
  {
    extack: /subflow not found/,
    code: 'ERR_MPTCP_NOT_FOUND',
    advice:
      'The connection has no subflow between these addresses and ports: pm.connections() gives those it has',
  },
  {
    call: ANY_COMMAND,
    errno: 'ESRCH',
    code: 'ERR_MPTCP_NOT_FOUND',
    advice: 'The connection has no such subflow: pm.connections() gives those it has',
  },
  {
    extack: /address with (id \d+|specified id) not found/,
    code: 'ERR_MPTCP_NOT_FOUND',
    advice:
      'The connection has announced nothing with this id: pm.addresses.list(token) gives its own',
  },
  {
    call: /(GET|DEL)_ADDR$|SET_FLAGS$/,
    extack: /address not found|invalid addr id/,
    code: 'ERR_MPTCP_NOT_FOUND',
    advice: 'Nothing has this id or address: list() gives what there is',
  },
  {
    call: /SET_FLAGS$/,
    extack: /invalid addr flags/,
    code: 'ERR_MPTCP_SYSTEM',
    advice: 'fullmesh is for endpoints without signal; of a subflow only backup can change',
  },
  {
    extack: /connect error: -(\d+)/,
    code: 'ERR_MPTCP_SYSTEM',
    advice: 'The kernel could not connect from the local address to the remote one',
  },
  {
    extack: /families mismatch|not of the same family/,
    code: 'ERR_MPTCP_SYSTEM',
    advice: 'Local and remote address must be of one family, and one that the connection has',
  },
];

function adviceFor({ call, extack = '' }: Pick<NativeError, 'call' | 'extack'>, name: string) {
  for (const refusal of REFUSALS) {
    if (refusal.errno !== undefined && refusal.errno !== name) continue;
    if (refusal.call && !refusal.call.test(call)) continue;
    if (refusal.here?.() === false) continue;
    const match = refusal.extack?.exec(extack);
    if (refusal.extack && !match) continue;
    return { ...refusal, captured: match?.[1] };
  }
  return undefined;
}

/** Calls a constructor of the addon, whose error becomes an MptcpError. */
export function constructed<T>(construct: () => T): T {
  try {
    return construct();
  } catch (error) {
    throw commandError(error);
  }
}

/** An error of the addon as an MptcpError; other errors are returned as they are. */
export function commandError(error: unknown): unknown {
  return isNativeError(error) ? explain(error) : error;
}

/**
 * The error of a command for which the kernel has a reason that it did not give: its code and advice
 * are those of a kernel that gives the reason by this errno or text.
 */
export function errorWithReason(error: MptcpError, reason: Reason): MptcpError {
  return isNativeError(error.cause) ? explain(error.cause, reason) : error;
}

/** What a kernel may say of a refusal. */
export interface Reason {
  errno?: string;
  extack?: string;
}

function explain(error: NativeError, reason: Reason = {}): MptcpError {
  const { errno, call, extack } = error;
  const name = getSystemErrorName(-errno);
  const text = reason.extack ?? extack;
  const found = adviceFor(
    { call, ...(text !== undefined && { extack: text }) },
    reason.errno ?? name,
  );
  const { code = 'ERR_MPTCP_SYSTEM', captured } = found ?? {};
  const advice = found?.advice.replace('$1', captured ?? '');
  const message = `${error.message}${extack === undefined ? '' : `: ${extack}`} (${name})`;
  return new MptcpError(code, advice === undefined ? message : `${message}. ${advice}`, {
    errno: -errno,
    ...(call.startsWith('MPTCP_PM_CMD_') ? { command: call } : { syscall: call }),
    ...(extack === undefined ? {} : { extack }),
    ...(code === 'ERR_MPTCP_LIMIT' && captured !== undefined ? { maximum: Number(captured) } : {}),
    cause: error,
  });
}
