/** Updates the engine's state by an event, before the policy decides on it. */
import { hasAddress, type LocalAddress, usableAddresses } from '../local-addresses';
import type { AbandonSubflowAction, PolicyEvent } from '../policy';
import { type AddressPair, interfaceOf } from '../view-queries';
import { abandon, onConnectionEvent, onEstablished } from './connections';
import { forgetFailures } from './failures';
import { type InterfacesEvent, updatedInterfaces } from './interfaces';
import { onApplied, onRefused } from './outcomes';
import { addUsage, updateProgress } from './progress';
import { type EngineState, findPath } from './state';

/** Returns the attempts that the event makes pointless, to be abandoned. */
export function updateState(state: EngineState, event: PolicyEvent): AbandonSubflowAction[] {
  switch (event.type) {
    case 'established':
      onEstablished(state, event);
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
      if (connection) onConnectionEvent(state, connection, event);
      break;
    }
    case 'leaving':
      state.leaving.add(event.interface);
      break;
    case 'staying':
      state.leaving.delete(event.interface);
      break;
    case 'progress':
      onProgress(state, event);
      break;
    case 'refused':
      onRefused(state, event);
      break;
    case 'routeAdded':
    case 'routeChanged': {
      const names = event.route.nextHops.map((hop) => hop.interface);
      const nameOf = interfaceFinder(state);
      forgetFailures(state, (local) => names.includes(nameOf(local)));
      break;
    }
    case 'applied':
      onApplied(state, event.action);
      break;
    case 'routeRemoved':
    case 'woken':
      break;
    default:
      return onInterfacesEvent(state, event);
  }
  return [];
}

function onProgress(
  state: EngineState,
  { token, paths }: Extract<PolicyEvent, { type: 'progress' }>,
): void {
  const connection = state.connections.get(token);
  for (const progress of paths) {
    const path = connection && findPath(connection, progress);
    if (path) addUsage(state, path, updateProgress(path, progress, state.now));
  }
}

function onInterfacesEvent(state: EngineState, event: InterfacesEvent): AbandonSubflowAction[] {
  const before = usableAddresses(state.interfaces);
  const running = runningInterfaces(state);
  state.interfaces = updatedInterfaces(state.interfaces, event);
  for (const name of runningInterfaces(state)) {
    if (!running.includes(name)) state.leaving.delete(name);
  }
  assignInterfaces(state);
  const after = usableAddresses(state.interfaces);
  const returned = after.filter(({ address }) => !hasAddress(before, address));
  if (returned.length > 0) forgetFailures(state, (local) => hasAddress(returned, local));
  const gone = before.filter(({ address }) => !hasAddress(after, address));
  return gone.length > 0 ? abandonFrom(state, gone) : [];
}

const runningInterfaces = ({ interfaces }: EngineState): string[] =>
  interfaces.filter(({ running }) => running).map(({ name }) => name);

/** Finds the interface that has an address, once for each of the few addresses of many paths. */
function interfaceFinder({ interfaces }: EngineState): (address: string) => string | undefined {
  const found = new Map<string, string | undefined>();
  return (address) => {
    if (!found.has(address)) found.set(address, interfaceOf(interfaces, address));
    return found.get(address);
  };
}

/** Sets the interface of each path by its local address. */
function assignInterfaces(state: EngineState): void {
  const nameOf = interfaceFinder(state);
  for (const { paths } of state.connections.values()) {
    for (const path of paths) {
      const name = nameOf(path.local.address);
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

/** Abandons attempts from addresses that are gone: the kernel's next SYN would come too late. */
function abandonFrom(state: EngineState, gone: readonly LocalAddress[]): AbandonSubflowAction[] {
  return [...state.connections.values()].flatMap((connection) => {
    const isGone = ({ local }: AddressPair): boolean => hasAddress(gone, local);
    const late = connection.opening.filter(isGone);
    connection.opening = connection.opening.filter((each) => !isGone(each));
    return late.map((each) => abandon(state, connection, each, 'the local address is gone'));
  });
}
