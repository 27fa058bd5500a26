/** `ip mptcp monitor`: prints the kernel's events, byte for byte. */
import { constants } from 'node:os';
import type { Address, PathManagerEvent } from '../../index';
import { IpExit, textOf } from './exit';
import type { IpOptions, Session } from './session';

/** The names of the events; one without a name is printed as unknown. */
const NAMES: Partial<Record<PathManagerEvent['type'], string>> = {
  created: 'CREATED',
  established: 'ESTABLISHED',
  closed: 'CLOSED',
  announced: 'ANNOUNCED',
  removed: 'REMOVED',
  subflowEstablished: 'SF_ESTABLISHED',
  subflowClosed: 'SF_CLOSED',
  subflowPriority: 'SF_PRIO',
  listenerCreated: 'LISTENER_CREATED',
  listenerClosed: 'LISTENER_CLOSED',
};
/** The numbers of events that older releases do not know. */
const LISTENERS: Partial<Record<PathManagerEvent['type'], number>> = {
  listenerCreated: 15,
  listenerClosed: 16,
};
const WIDTH_OF_NAME = 16;
const FORMER_WIDTH = 14; // of releases that do not know the events of listeners
const DENY_JOIN_ID0 = 1;
const SERVER_SIDE = 2;
const EPERM = 1;

type Fields = (readonly [name: string, value: string | number] | string)[];

const isIpv6 = (address: string): boolean => address.includes(':');
const plain = (address: string): string => address.replace(/%.*/, '');

/** The addresses and ports, IPv4 before IPv6. */
function addressFields(local: Address | undefined, remote: Address | undefined): Fields {
  const one = (name: string, end: Address | undefined): Fields =>
    end === undefined
      ? []
      : [[`${name}${isIpv6(end.address) ? 6 : 4}`, plain(end.address)] as const];
  return [
    ...one('saddr', local),
    ...one('daddr', remote),
    ...(local === undefined ? [] : [['sport', local.port] as const]),
    ...(remote === undefined ? [] : [['dport', remote.port] as const]),
  ];
}

const number = (name: string, value: number | boolean | undefined): Fields =>
  value === undefined ? [] : [[name, Number(value)]];

/** The flags of a connection as this kernel reports them; undefined: it reports them in no attribute. */
function flagsOf(event: PathManagerEvent): number | undefined {
  if (event.type !== 'created' && event.type !== 'established') return undefined;
  if (event.denyJoinId0 === undefined) return undefined;
  return (event.denyJoinId0 ? DENY_JOIN_ID0 : 0) | (event.serverSide ? SERVER_SIDE : 0);
}

/** What is printed behind the name of an event. */
export function fieldsOf(event: PathManagerEvent, namesFlags: boolean): Fields {
  if (event.type === 'unknown' || event.type === 'overrun') return [];
  const fields: Fields = [];
  if ('token' in event) fields.push(['token', event.token.toString(16).padStart(8, '0')]);
  // The ids of the first subflow, which the kernel reports too.
  if (event.type === 'created' || event.type === 'established') {
    fields.push(['remid', 0], ['locid', 0]);
  }
  if ('remoteId' in event) fields.push(...number('remid', event.remoteId));
  if ('localId' in event) fields.push(...number('locid', event.localId));
  if (event.type === 'announced') {
    const { address, port } = event;
    fields.push([`daddr${isIpv6(address) ? 6 : 4}`, plain(address)], ...number('dport', port));
  } else if (event.type !== 'closed') {
    const { local, remote } = event as { local?: Address; remote?: Address };
    fields.push(...addressFields(local, remote));
  }
  if ('backup' in event) fields.push(...number('backup', event.backup));
  if (event.type === 'subflowClosed' && event.error !== undefined) {
    fields.push(...number('error', constants.errno[event.error as keyof typeof constants.errno]));
  }
  const flags = flagsOf(event) ?? 0;
  if (flags !== 0 && !namesFlags) fields.push(['flags', flags.toString(16)]);
  if ('interfaceIndex' in event && event.interfaceIndex !== undefined) {
    fields.push(['ifindex', event.interfaceIndex]);
  }
  if (event.type === 'subflowClosed' && event.reset) {
    const { code, transient } = event.reset;
    fields.push(['reset_reason', code], ['reset_flags', `0x${transient ? 1 : 0}`]);
  }
  if (namesFlags && (event.type === 'created' || event.type === 'established')) {
    if (event.serverSide) fields.push('server_side');
    if (event.denyJoinId0) fields.push('deny_join_id0');
  }
  return fields;
}

function timestamp(kind: IpOptions['timestamp'], now: Date): string {
  if (kind === 'none') return '';
  const two = (value: number, filler = '0'): string => String(value).padStart(2, filler);
  const microseconds = now.getMilliseconds() * 1000;
  const clock = [now.getHours(), now.getMinutes(), now.getSeconds()];
  const time = clock.map((each) => two(each)).join(':');
  if (kind === 'short') {
    const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
    return `[${date}T${time}.${String(microseconds).padStart(6, '0')}] `;
  }
  const [day, month] = now.toDateString().split(' ');
  const date = `${day ?? ''} ${month ?? ''} ${two(now.getDate(), ' ')}`;
  return `Timestamp: ${date} ${time} ${now.getFullYear()} ${microseconds} usec\n`;
}

/** Prints events until the program is to end. */
export async function monitor(session: Session): Promise<void> {
  const { options, profile, stdout, signal } = session;
  const manager = await session.pm();
  const events = manager.events({ signal }).ref();
  await events.ready;
  if (events.source !== 'kernel') {
    throw new IpExit(255, `can't subscribe to mptcp events: ${textOf(EPERM)}\n`, true);
  }
  try {
    for await (const event of events) {
      if (event.type !== 'overrun' && event.source !== 'kernel') continue;
      if (event.type === 'overrun') continue;
      const unknown = event.type === 'unknown' ? event.number : LISTENERS[event.type];
      const name = NAMES[event.type];
      const text =
        name === undefined || (unknown !== undefined && !profile.namesListeners)
          ? `[UNKNOWN ${unknown ?? ''}]`
          : `[${name.padStart(profile.namesListeners ? WIDTH_OF_NAME : FORMER_WIDTH)}]${fieldsOf(
              event,
              profile.namesFlags,
            )
              .map((field) => ` ${typeof field === 'string' ? field : field.join('=')}`)
              .join('')}`;
      stdout.write(`${timestamp(options.timestamp, new Date())}${text}\n`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
