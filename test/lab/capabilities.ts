/**
 * What tests may need of a kernel, by name, and how it is found by asking: distributions port features
 * back, so a version proves nothing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireNative } from '../../lib/kernel/addon';
import { run } from './namespace';

interface Capability {
  /** Whether the kernel has it. */
  ask: () => boolean;
  /** What a kernel without it does. */
  without: string;
}

let answers: Record<string, boolean> | undefined;

/** What ask-kernel.js finds out in a network namespace of its own. */
function answerTo(question: string): boolean {
  const program = [process.execPath, join(__dirname, 'ask-kernel.js')];
  answers ??= JSON.parse(run('unshare', ['--net', ...program])) as Record<string, boolean>;
  const answer = answers[question];
  if (answer === undefined) throw new Error(`ask-kernel.js does not answer ${question}`);
  return answer;
}

/** Whether a call succeeds on a new MPTCP socket. */
function onSocket(call: (fd: number) => unknown): boolean {
  const native = requireNative();
  const fd = native.openSocket(4);
  try {
    call(fd);
    return true;
  } catch {
    return false;
  } finally {
    native.closeSocket(fd);
  }
}

const sysctl = (name: string): Capability => ({
  ask: () => existsSync(`/proc/sys/net/mptcp/${name}`),
  without: `it has no sysctl net.mptcp.${name}`,
});

const CAPABILITIES = {
  laminar: { ask: () => answerTo('laminar'), without: 'it drops this flag of an endpoint' },
  'addresses by token': {
    ask: () => answerTo('addresses by token'),
    without: 'it lists the endpoints of the namespace in place of the addresses of a connection',
  },
  'namespace handles': {
    ask: () => answerTo('namespace handles'),
    without: 'it cannot be asked whether a network namespace exists',
  },
  'reasons of refusals': {
    ask: () => answerTo('reasons of refusals'),
    without: 'it has one errno for several reasons',
  },
  MPTCP_FULL_INFO: {
    ask: () => onSocket((fd) => requireNative().fullInfo(fd)),
    without: 'it has the older options alone',
  },
  TCP_NOTSENT_LOWAT: {
    ask: () => onSocket((fd) => requireNative().setOption(fd, 'TCP_NOTSENT_LOWAT', 1 << 17)),
    without: 'MPTCP sockets do not have it',
  },
  'sysctl blackhole_timeout': sysctl('blackhole_timeout'),
  'sysctl close_timeout': sysctl('close_timeout'),
  'sysctl path_manager': sysctl('path_manager'),
  'sysctl scheduler': sysctl('scheduler'),
} satisfies Record<string, Capability>;

export type CapabilityName = keyof typeof CAPABILITIES;

export const isCapability = (name: string): name is CapabilityName => name in CAPABILITIES;

/** Says what this kernel does without a capability; undefined where it has it. */
export function lacking(name: CapabilityName): string | undefined {
  const { ask, without } = CAPABILITIES[name];
  return ask() ? undefined : `the kernel lacks ${name}: ${without}`;
}
