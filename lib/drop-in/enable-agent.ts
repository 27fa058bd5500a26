/** Turns MPTCP on for agents of node:http and node:https that were made elsewhere. */
import http from 'node:http';
import { wrapConnections } from '../sockets/node/agent-connections';
import type { Settings } from '../sockets/options';
import { runInScope } from '../sockets/scope';
import { withSettings } from '../sockets/settings';
import { invalidState } from './invalid-state';

/** Whether an object is an agent of Node's classes, or of one that extends them. */
export function isAgent(object: unknown): object is http.Agent {
  return object instanceof http.Agent;
}

/** Whether the agent has a connection, or requests that wait for one. */
function isUsed({ sockets, freeSockets, requests }: http.Agent): boolean {
  return [sockets, freeSockets, requests].some((lists) => Object.keys(lists).length > 0);
}

/** Makes the connections of an agent have `settings`. ERR_INVALID_STATE where it has some already. */
export function enableAgent(agent: http.Agent, settings: Settings): void {
  if (isUsed(agent))
    throw invalidState('The agent has connections already: call enable() before its first request');
  wrapConnections(
    agent,
    (connect) => withSettings(settings, connect),
    (connect) => runInScope(settings, connect),
  );
}
