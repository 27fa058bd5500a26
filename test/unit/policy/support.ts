/** Makes the events, views and engines that the tests of policies need, in few words. */
import type { EstablishedEvent, NetworkAddress, NetworkInterface, NetworkLink } from '../../../lib';
import { familyOf } from '../../../lib/base/addresses';
import { PolicyEngine } from '../../../lib/policy/engine/engine';
import type {
  PathAction,
  PathPolicy,
  PathProgress,
  PolicyAction,
  PolicyEvent,
  PolicyLimits,
  PolicyView,
} from '../../../lib/policy/policy';

export const TOKEN = 7;
const source = 'kernel';

export const end = (address: string, port: number) => ({
  ...{ address, port },
  family: familyOf(address) === 4 ? ('IPv4' as const) : ('IPv6' as const),
});

export const CLIENT = end('10.1.0.1', 1000);
export const SERVER = end('10.9.0.1', 443);

export const established = (
  options: Partial<EstablishedEvent & { own: boolean }> = {},
): Extract<PolicyEvent, { type: 'established' }> => ({
  ...{ type: 'established', source, token: TOKEN, serverSide: false, denyJoinId0: false },
  ...{ local: CLIENT, remote: SERVER, own: true },
  ...options,
});

export const closed = (token = TOKEN): PolicyEvent => ({ type: 'closed', source, token });

/** Parses the two ends of a subflow: '10.2.0.1:2000' and '10.9.0.1:443'. */
export function ends(local: string, remote = '10.9.0.1:443') {
  const parse = (text: string) => {
    const colon = text.lastIndexOf(':');
    return end(text.slice(0, colon), Number(text.slice(colon + 1)));
  };
  return { local: parse(local), remote: parse(remote) };
}

export const subflow = (
  type: 'subflowEstablished' | 'subflowClosed' | 'subflowPriority',
  local: string,
  remote?: string,
  more: { backup?: boolean; error?: string; token?: number; remoteId?: number } = {},
): PolicyEvent => ({ type, source, token: TOKEN, ...ends(local, remote), ...more });

export const announced = (remoteId: number, address: string, port?: number): PolicyEvent => ({
  ...{ type: 'announced', source, token: TOKEN, remoteId, address },
  ...(port !== undefined && { port }),
});

export const removed = (remoteId: number): PolicyEvent => ({
  ...{ type: 'removed', source, token: TOKEN, remoteId },
});

export const address = (
  device: string,
  text: string,
  more: Partial<NetworkAddress> = {},
): NetworkAddress => ({
  ...{ interface: device, address: text, prefixLength: 24 },
  family: familyOf(text) === 4 ? 'IPv4' : 'IPv6',
  ...{ scope: 'global', tentative: false, deprecated: false, duplicate: false },
  ...more,
});

export const link = (
  index: number,
  name: string,
  more: Partial<NetworkLink> = {},
): NetworkLink => ({
  ...{ index, name, up: true, running: true, loopback: false, operationalState: 'up' },
  ...more,
});

export const device = (index: number, name: string, ...addresses: string[]): NetworkInterface => ({
  ...link(index, name),
  addresses: addresses.map((each) => address(name, each)),
});

/** The interfaces of a phone: wlan0 has 10.1.0.1, wwan0 has 10.2.0.1. */
export const PHONE = [device(2, 'wlan0', '10.1.0.1'), device(3, 'wwan0', '10.2.0.1')];

export const begin = (interfaces: readonly NetworkInterface[] = PHONE): PolicyEvent => ({
  type: 'begin',
  interfaces,
});

export const linkChanged = (index: number, name: string, running: boolean): PolicyEvent => ({
  type: 'linkChanged',
  link: link(index, name, { running, carrier: running }),
});

export const progressOf = (
  local: string,
  more: Partial<PathProgress> = {},
  remote?: string,
): PathProgress => ({
  ...ends(local, remote),
  ...{ state: 1, rtt: 20_000, rttvar: 2000, rto: 220_000, unacked: 0 },
  ...{ lastAckRecv: 0, lastDataSent: 0, lastDataRecv: 100_000, retransmits: 0 },
  ...{ bytesSent: 0, bytesAcked: 0, bytesReceived: 0, totalRetrans: 0, dataSegsOut: 0 },
  ...more,
});

export const progress = (...paths: PathProgress[]): PolicyEvent => ({
  ...{ type: 'progress', token: TOKEN, paths },
});

/** A policy whose answer the test sets. It keeps what it received. */
export class ScriptedPolicy implements PathPolicy {
  readonly name = 'scripted';
  readonly received: { now: number; event: PolicyEvent }[] = [];
  answer: (view: PolicyView, event: PolicyEvent) => readonly PolicyAction[] = () => [];

  decide(view: PolicyView, event: PolicyEvent): readonly PolicyAction[] {
    this.received.push({ now: view.now, event });
    return this.answer(view, event);
  }
}

export const create = (
  local: string,
  more: Partial<Extract<PathAction, { type: 'createSubflow' }>> = {},
): PathAction => ({
  ...{ type: 'createSubflow', token: TOKEN, reason: 'test' },
  ...{ local: { address: local }, remote: { address: SERVER.address, port: SERVER.port } },
  ...more,
});

const plain = ({ address: text, port }: { address: string; port: number }) => ({
  address: text,
  port,
});

export function onSubflow(local: string, remote?: string) {
  const found = ends(local, remote);
  return {
    ...{ token: TOKEN, reason: 'test' },
    ...{ local: plain(found.local), remote: plain(found.remote) },
  };
}

/** An engine, and a function that hands it events at a time and returns its actions. */
export function engineWith(policy: PathPolicy, limits: Partial<PolicyLimits> = {}) {
  const engine = new PolicyEngine(policy, { limits });
  return {
    engine,
    connection: () => engine.view.connections.get(TOKEN)!,
    at: (at: number, ...events: PolicyEvent[]): PathAction[] =>
      events.flatMap((event) => {
        const { actions, error } = engine.handle(at, event);
        if (error !== undefined) throw error as Error;
        return actions;
      }),
  };
}

/** Writes an action for comparison: 'createSubflow 10.2.0.1 10.9.0.1:443'. */
export function summaryOf(action: PathAction): string {
  if (action.type === 'announce' || action.type === 'withdraw') {
    const port = action.port === undefined ? '' : `:${action.port}`;
    return `${action.type} ${action.address}${port}`;
  }
  const { local, remote, type } = action;
  const port = 'port' in local ? `:${local.port}` : '';
  const backup = 'backup' in action ? ` ${action.backup ? 'backup' : 'regular'}` : '';
  return `${type} ${local.address}${port} ${remote.address}:${remote.port}${backup}`;
}
