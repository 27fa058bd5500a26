/** Tests the codes and texts of errors by the kernel's own. */
import { constants } from 'node:os';
import type { MptcpError, MptcpErrorCode } from '../../../lib';
import { commandError } from '../../../lib/kernel/command-errors';

type Name = keyof typeof constants.errno;

function said(call: string, name: Name, extack?: string): MptcpError {
  const errno = constants.errno[name];
  const error = Object.assign(new Error(`${call}: ${name}`), { errno, call, extack });
  return commandError(error) as MptcpError;
}

const PM = 'MPTCP_PM_CMD_';

/** What the kernel says, and what becomes of it: also what the public API never lets it say. */
test.each<[string, Name, string | undefined, MptcpErrorCode, RegExp | undefined]>([
  [`${PM}ANNOUNCE`, 'EINVAL', 'invalid token', 'ERR_MPTCP_NOT_FOUND', /pm\.connections\(\)/],
  [`${PM}ANNOUNCE`, 'EINVAL', 'invalid addr id', 'ERR_MPTCP_SYSTEM', undefined],
  [`${PM}GET_ADDR`, 'EINVAL', 'invalid addr id', 'ERR_MPTCP_NOT_FOUND', /list\(\)/],
  [`${PM}SET_FLAGS`, 'EINVAL', 'invalid addr flags', 'ERR_MPTCP_SYSTEM', /only backup can change/],
  [`${PM}ADD_ADDR`, 'EINVAL', 'missing address data', 'ERR_MPTCP_SYSTEM', undefined],
  [`${PM}ANNOUNCE`, 'EINVAL', 'did not match address and id', 'ERR_MPTCP_EXISTS', /another id/],
  [`${PM}SUBFLOW_CREATE`, 'EINVAL', 'families mismatch', 'ERR_MPTCP_SYSTEM', /one family/],
  [`${PM}SUBFLOW_CREATE`, 'ENETUNREACH', 'connect error: -101', 'ERR_MPTCP_SYSTEM', /connect from/],
  [
    `${PM}REMOVE`,
    'EINVAL',
    'address with id 7 not found',
    'ERR_MPTCP_NOT_FOUND',
    /addresses\.list/,
  ],
  [
    `${PM}REMOVE`,
    'EINVAL',
    'address with specified id not found',
    'ERR_MPTCP_NOT_FOUND',
    /addresses\.list/,
  ],
  [`${PM}SUBFLOW_DESTROY`, 'EINVAL', 'missing local port', 'ERR_MPTCP_SYSTEM', undefined],
  [`${PM}SUBFLOW_DESTROY`, 'ESRCH', 'subflow not found', 'ERR_MPTCP_NOT_FOUND', /between these/],
  [`${PM}SUBFLOW_DESTROY`, 'ESRCH', undefined, 'ERR_MPTCP_NOT_FOUND', /no such subflow/],
  [`${PM}SET_LIMITS`, 'EINVAL', 'limit greater than maximum (8)', 'ERR_MPTCP_LIMIT', /8 at most/],
  [`${PM}ADD_ADDR`, 'ERANGE', undefined, 'ERR_MPTCP_LIMIT', /pm\.endpoints\.delete/],
  [`${PM}ADD_ADDR`, 'EEXIST', undefined, 'ERR_MPTCP_EXISTS', /pm\.endpoints\.update/],
  [`${PM}ADD_ADDR`, 'EBUSY', undefined, 'ERR_MPTCP_EXISTS', /the kernel chooses/],
  [`${PM}ANNOUNCE`, 'EINVAL', 'userspace PM not selected', 'ERR_MPTCP_PATH_MANAGER', /pm\.mode/],
  [`${PM}ANNOUNCE`, 'EOPNOTSUPP', undefined, 'ERR_MPTCP_UNSUPPORTED', /Linux 5\.19/],
  [`${PM}ADD_ADDR`, 'EPERM', undefined, 'ERR_MPTCP_PERMISSION', /CAP_NET_ADMIN.*setcap/],
  ['setsockopt NETLINK_ADD_MEMBERSHIP', 'EPERM', undefined, 'ERR_MPTCP_PERMISSION', /NET_ADMIN/],
  ['socket AF_NETLINK', 'EPERM', undefined, 'ERR_MPTCP_PERMISSION', /allow AF_NETLINK/],
  ['socket AF_NETLINK', 'EAFNOSUPPORT', undefined, 'ERR_MPTCP_PERMISSION', /allow AF_NETLINK/],
  ['socket AF_NETLINK', 'EMFILE', undefined, 'ERR_MPTCP_SYSTEM', /ulimit -n/],
  ['socket AF_NETLINK', 'ENOMEM', undefined, 'ERR_MPTCP_SYSTEM', /memory/],
  ['open /proc/sys/net/mptcp/x', 'EROFS', undefined, 'ERR_MPTCP_PERMISSION', /docker run --sysctl/],
  ['setns', 'EPERM', undefined, 'ERR_MPTCP_PERMISSION', /CAP_SYS_ADMIN/],
  ['open /run/netns/x', 'EACCES', undefined, 'ERR_MPTCP_PERMISSION', /CAP_SYS_ADMIN/],
  ['open /run/netns/x', 'ENOENT', undefined, 'ERR_MPTCP_NOT_FOUND', /ip netns list/],
  ['CTRL_CMD_GETFAMILY', 'ENOENT', undefined, 'ERR_MPTCP_UNSUPPORTED', /Linux 5\.6/],
  ['open /proc/sys/net/mptcp/x', 'ENOENT', undefined, 'ERR_MPTCP_UNSUPPORTED', /pm\.sysctls/],
  ['write /proc/sys/net/mptcp/x', 'EACCES', undefined, 'ERR_MPTCP_PERMISSION', /CAP_NET_ADMIN/],
  ['bind', 'EADDRINUSE', undefined, 'ERR_MPTCP_EXISTS', /no MPTCP listener.*listen: false/],
  [
    'bind',
    'EADDRNOTAVAIL',
    undefined,
    'ERR_MPTCP_NOT_FOUND',
    /not have the address.*listen: false/,
  ],
  ['close', 'ECANCELED', undefined, 'ERR_MPTCP_CLOSED', /closed before/],
  ['recvmsg', 'ENOBUFS', undefined, 'ERR_MPTCP_SYSTEM', undefined],
])('%s: %s, %s', (call, name, extack, code, advice) => {
  const error = said(call, name, extack);
  expect(error).toMatchObject({
    ...{ name: 'MptcpError', code, errno: -constants.errno[name], extack },
    ...(call.startsWith(PM) ? { command: call } : { syscall: call }),
    cause: { call },
  });
  expect(error.message).toContain(name === 'EOPNOTSUPP' ? 'ENOTSUP' : name);
  if (extack !== undefined) expect(error.message).toContain(extack);
  if (advice) expect(error.message).toMatch(advice);
  expect(error.maximum).toBe(extack?.includes('maximum') ? 8 : undefined);
});

test('what is no error of the addon is left alone', () => {
  const error = new TypeError('a mistake');
  expect(commandError(error)).toBe(error);
  expect(commandError(undefined)).toBeUndefined();
});
