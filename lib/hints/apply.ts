/** Sets hints on a socket, reads them back, and returns their results. */
import type { IntegerOption, Native, TextOption } from '../../types/native';
import { errnoName, MptcpError, type MptcpErrorCode, systemError } from '../base/errors';
import { loadNative } from '../kernel/addon';
import { AF_INET6 } from '../kernel/constants';
import type { HintResult, HintValue } from './hints';
import { isEarly, type OptionHint, ruleOf } from './socket-options';

const CODES: Partial<Record<string, MptcpErrorCode>> = {
  EPERM: 'ERR_MPTCP_PERMISSION',
  ENODEV: 'ERR_MPTCP_NOT_FOUND',
  ENOTSUP: 'ERR_MPTCP_UNSUPPORTED',
  ENOPROTOOPT: 'ERR_MPTCP_UNSUPPORTED',
};

/** The result of an option that the kernel refused. */
export function refused(option: OptionHint, error: unknown): HintResult {
  const name = errnoName(error) ?? '';
  const advice =
    ruleOf(option.by).advice?.[name] ?? 'The kernel does not accept it for this connection';
  const reason = systemError(CODES[name] ?? 'ERR_MPTCP_SYSTEM', error, advice);
  return { ...option, applied: false, reason };
}

function write(native: Native, fd: number, { by, requested }: OptionHint): void {
  const { toKernel = Number } = ruleOf(by);
  if (typeof requested === 'string') native.setOption(fd, by as TextOption, requested);
  else native.setOption(fd, by as IntegerOption, toKernel(Number(requested)));
}

function read(native: Native, fd: number, by: OptionHint['by']): HintValue {
  const value: string | number = native.getOption(fd, by as IntegerOption);
  const { fromKernel } = ruleOf(by);
  return typeof value === 'number' && fromKernel ? fromKernel(value) : value;
}

const isBuffer = (by: string): boolean => by === 'SO_SNDBUF' || by === 'SO_RCVBUF';

/** Sets an option and reads it back. */
export function set(native: Native, fd: number, option: OptionHint): HintResult {
  const { by, requested } = option;
  try {
    // A connected socket cannot be bound any more, but may have been bound as requested before.
    if (by !== 'SO_BINDTODEVICE' || read(native, fd, by) !== requested) write(native, fd, option);
    const value = read(native, fd, by);
    if (value === (isBuffer(by) ? 2 * Number(requested) : requested)) {
      return { ...option, applied: true, value };
    }
    const advice = ruleOf(by).advice?.[''] ?? 'The kernel holds another value';
    const reason = new MptcpError('ERR_MPTCP_LIMIT', `${by} is ${String(value)}. ${advice}`);
    return { ...option, applied: false, value, reason };
  } catch (error) {
    return refused(option, error);
  }
}

/** Whether packets of the connection are IPv6 ones, which IP_TOS does not mark. */
function carriesIpv6(native: Native, fd: number): boolean {
  if (native.getOption(fd, 'SO_DOMAIN') !== AF_INET6) return false;
  if (!native.isMptcp(fd)) return true;
  return native.subflows(fd).some(({ remote }) => remote.family === 'IPv6');
}

function setConnected(native: Native, fd: number, option: OptionHint): HintResult {
  const result = set(native, fd, option);
  if (!result.applied) return result;
  if (option.by === 'IP_TOS' && carriesIpv6(native, fd)) {
    return set(native, fd, { ...option, by: 'IPV6_TCLASS' });
  }
  if (option.by === 'SO_PRIORITY' && native.isMptcp(fd) && read(native, fd, 'IP_TOS') !== 0) {
    const advice = 'Subflows that are made later get the priority that follows from dscp';
    return { ...result, applied: false, reason: new MptcpError('ERR_MPTCP_UNSUPPORTED', advice) };
  }
  return result;
}

/** Sets, before a socket connects or listens, the options that its first packets need. */
export function applyEarly(
  fd: number,
  options: readonly OptionHint[],
  side: 'client' | 'server',
): HintResult[] {
  const native = loadNative();
  if (!native) return [];
  // A listener that is bound to an interface would accept no subflows on others.
  const early = options.filter(
    (each) => isEarly(each) && !(side === 'server' && each.by === 'SO_BINDTODEVICE'),
  );
  return early.map((option) => set(native, fd, option));
}

/** Sets the options of a connection. `early` are the results of applyEarly(), refusals among which stand. */
export function applyOptions(
  fd: number,
  options: readonly OptionHint[],
  early: readonly HintResult[] = [],
): HintResult[] {
  const native = loadNative();
  if (!native) return [];
  return options.map(
    (option) =>
      early.find(({ by, applied }) => by === option.by && !applied) ??
      setConnected(native, fd, option),
  );
}

/**
 * Adds results to earlier ones. A later result replaces an earlier one of the same hint and means; of
 * hints about paths, it replaces all earlier ones of the same hint but SO_BINDTODEVICE.
 */
export function mergeResults(
  before: readonly HintResult[],
  after: readonly HintResult[],
): HintResult[] {
  const isLasting = ({ by }: HintResult): boolean => by === 'SO_BINDTODEVICE';
  const replaced = (each: HintResult): boolean =>
    after.some(
      ({ hint, by }) =>
        hint === each.hint && (by === each.by || (isOfPaths(each) && !isLasting(each))),
    );
  return [...before.filter((each) => !replaced(each)), ...after];
}

/** Whether a result is that of a hint about paths. */
export const isOfPaths = ({ hint }: HintResult): boolean => hint.startsWith('paths.');
