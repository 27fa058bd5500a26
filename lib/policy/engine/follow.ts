/** Brings the view up to date by an event. */
import { hasAddress, type LocalAddress, usableAddresses } from '../local-addresses';
import type { AbandonSubflowAction, PolicyEvent, PolicyLimits } from '../policy';
import { interfaceOf, type Pair } from '../reading';
import { abandon, establish, followConnection } from './connections';
import { forgive } from './failures';
import { interfacesAfter, type LocalEvent } from './interfaces';
import { addUsage, look } from './progress';
import { applied, refused } from './refusals';
import { type EngineState, findPath } from './state';

export const newState = (limits: PolicyLimits): EngineState => ({
  now: 0,
  limits,
  interfaces: [],
  leaving: new Set(),
  connections: new Map(),
  usage: new Map(),
});

/** Gives subflows that are no longer worth waiting for. */
export function follow(state: EngineState, event: PolicyEvent): AbandonSubflowAction[] {
  switch (event.type) {
    case 'established':
      establish(state, event);
      break;
    case 'closed':
      state.connections.delete(event.token);
      break;
    case 'announced':
    case 'removed':
    case 'subflowEstablished':
    case 'subflowClosed':
    case 'subflowPriority': {
      const connection = state.connections.get(event.token);
      if (connection) followConnection(state, connection, event);
      break;
    }
    case 'leaving':
      state.leaving.add(event.interface);
      break;
    case 'staying':
      state.leaving.delete(event.interface);
      break;
    case 'progress':
      followProgress(state, event);
      break;
    case 'refused':
      refused(state, event);
      break;
    case 'routeAdded':
    case 'routeChanged': {
      const names = event.route.nextHops.map((hop) => hop.interface);
      forgive(state, (local) => names.includes(interfaceOf(state.interfaces, local)));
      break;
    }
    case 'applied':
      applied(state, event.action);
      break;
    case 'routeRemoved':
    case 'woken':
      break;
    default:
      return followInterfaces(state, event);
  }
  return [];
}

function followProgress(
  state: EngineState,
  { token, paths }: Extract<PolicyEvent, { type: 'progress' }>,
): void {
  const connection = state.connections.get(token);
  for (const progress of paths) {
    const path = connection && findPath(connection, progress);
    if (path) addUsage(state, path, look(path, progress, state.now));
  }
}

function followInterfaces(state: EngineState, event: LocalEvent): AbandonSubflowAction[] {
  const before = usableAddresses(state.interfaces);
  const running = namesOfRunning(state);
  state.interfaces = interfacesAfter(state.interfaces, event);
  for (const name of namesOfRunning(state)) if (!running.includes(name)) state.leaving.delete(name);
  nameInterfaces(state);
  const after = usableAddresses(state.interfaces);
  forgive(state, (local) => hasAddress(after, local) && !hasAddress(before, local));
  const gone = before.filter(({ address }) => !hasAddress(after, address));
  return gone.length > 0 ? abandonFrom(state, gone) : [];
}

const namesOfRunning = ({ interfaces }: EngineState): string[] =>
  interfaces.filter(({ running }) => running).map(({ name }) => name);

function nameInterfaces({ connections, interfaces }: EngineState): void {
  for (const { paths } of connections.values()) {
    for (const path of paths) {
      const name = interfaceOf(interfaces, path.local.address);
      if (name !== undefined) {
        path.interface = name;
        delete path.addressGone;
      } else if (path.interface !== undefined) {
        delete path.interface;
        path.addressGone = true;
      }
    }
  }
}

/** What is sent again from an address that has been away would come too late. */
function abandonFrom(state: EngineState, gone: readonly LocalAddress[]): AbandonSubflowAction[] {
  return [...state.connections.values()].flatMap((connection) => {
    const isGone = ({ local }: Pair): boolean => hasAddress(gone, local);
    const late = connection.opening.filter(isGone);
    connection.opening = connection.opening.filter((each) => !isGone(each));
    return late.map((each) => abandon(state, connection, each, 'the local address is gone'));
  });
}
