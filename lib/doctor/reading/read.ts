/** Reads everything that the checks judge, once; a part that cannot be read does not hinder others. */
import { release } from 'node:os';
import type { Abortable } from '../../base/abort';
import { throwIfAborted } from '../../base/abort';
import type { MptcpError } from '../../base/errors';
import { publicEndpoints } from '../../endpoints/endpoint';
import { Limits } from '../../endpoints/limits';
import { publicRoute } from '../../interfaces/interface';
import { listInterfaces } from '../../interfaces/interfaces';
import { requireNative } from '../../kernel/addon';
import { Commands } from '../../kernel/commands';
import { TCP_STATE_NAMES } from '../../kernel/constants';
import { connections, type NamespaceConnection } from '../../kernel/sock-diag';
import { Sysctls } from '../../kernel/sysctls';
import { whyUnavailable } from '../../sockets/availability';
import { capabilities } from '../../sockets/capabilities';
import { ModeControl } from '../../userspace/mode';
import type { DoctorOptions } from '../report';
import type { JudgedConnection, Reading, State } from '../state';
import { parseCounters } from './counters';
import { examineProcess } from './examined-process';
import { missingFeatures } from './kernel-features';
import { firewallRules } from './nftables';
import { originsOf, pathRoutes } from './paths';
import { ownStatus } from './process-status';
import { writingProcesses } from './processes';
import { readSettings } from './settings';

/** Reads the state of a namespace. Rejects only if it is aborted or there is no such namespace. */
export async function readState(
  netns: string | undefined,
  { pid, role, peers = [], signal }: DoctorOptions,
): Promise<Reading> {
  const abort: Abortable = { ...(signal && { signal }) };
  const reading: Reading = { state: {}, unread: {} };
  /** Reads a part of the state, which is also the result; undefined: it could not be read. */
  const part = async <Name extends keyof State>(
    name: Name,
    read: () => State[Name] | Promise<State[Name]>,
  ): Promise<State[Name] | undefined> => {
    try {
      return (reading.state[name] = await read());
    } catch (error) {
      throwIfAborted(signal, false);
      reading.unread[name] = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  };

  await part('self', ownStatus);
  if (pid !== undefined) await part('process', () => examineProcess(pid));
  const failure = addonFailure();
  await part('addon', () => ({ ok: failure === undefined, ...(failure && { message: failure }) }));
  if (failure !== undefined) return reading;

  const commands = new Commands(netns);
  try {
    const interfaces = await listInterfaces(commands, abort); // fails where there is no namespace
    await part('interfaces', () => interfaces);
    const settings = await part('sysctls', () => readSettings(commands, interfaces, abort));
    const family = await commands.family(abort).catch(() => {
      throwIfAborted(signal, false);
      return undefined;
    });
    await part('hasMptcp', () => family !== undefined && 'net.mptcp.enabled' in (settings ?? {}));
    await part('writers', () => writingProcesses(netns));
    await part('firewall', () => firewallRules(netns));
    await part('counters', async () =>
      parseCounters(await commands.readFile('/proc/net/netstat', abort)),
    );
    if (netns === undefined) {
      await part('socket', () => {
        const error = whyUnavailable();
        return { ok: !error, ...(error && { message: error.message }) };
      });
    } else {
      reading.unread.socket = 'sockets are tried in the own network namespace alone';
    }
    if (!family) return reading;

    await part('kernel', async () => ({
      release: release(),
      lacks: missingFeatures(await capabilities(), family.commands, settings ?? {}),
    }));
    await part('mode', () => new ModeControl(commands, new Sysctls(commands), unused).get(abort));
    await part('limits', () => new Limits(commands, () => undefined).get(abort));
    const endpoints = await part('endpoints', async () =>
      publicEndpoints(commands, await commands.endpoints(undefined, abort), abort),
    );
    const names = new Map(interfaces.map((link) => [link.index, link]));
    const routes = await part('routes', async () =>
      (await commands.routes(abort)).map((route) => publicRoute(route, names)),
    );
    const sockets = await readSockets(commands, reading, abort).catch((error: unknown) => {
      throwIfAborted(signal, false);
      reading.unread.connections = reading.unread.listeners = (error as Error).message;
      return undefined;
    });
    await part('role', () => {
      const server = (sockets?.listeners.length ?? 0) > 0;
      const outgoing = sockets?.connections.some((each) => each.outgoing) ?? false;
      if (role !== undefined) return { client: role === 'client', server: role === 'server' };
      return { client: outgoing || !server, server };
    });
    if (endpoints && routes) {
      const known = sockets?.connections ?? [];
      const network = { interfaces, routes, endpoints, peers, connections: known };
      await part('paths', () => pathRoutes(commands, network, abort));
      await part('origins', () => originsOf(commands, network, abort));
    }
  } finally {
    await commands.close();
  }
  return reading;
}

/** Why the addon cannot be loaded; undefined where it can. */
function addonFailure(): string | undefined {
  try {
    requireNative();
    return undefined;
  } catch (error) {
    const { code, cause, message } = error as MptcpError;
    return code === 'ERR_MPTCP_UNAVAILABLE' && cause instanceof Error ? cause.message : message;
  }
}

/** Reading the mode needs no events. */
const unused = (): never => {
  throw new Error('reading the mode needs no events');
};

async function readSockets(
  commands: Commands,
  { state }: Reading,
  abort: Abortable,
): Promise<Pick<State, 'listeners' | 'connections'>> {
  const sockets: NamespaceConnection[] = [];
  const filter = { state: TCP_STATE_NAMES };
  for await (const each of connections(commands.netns, filter, abort)) sockets.push(each);
  const listeners = sockets
    .filter((each) => each.state === 'LISTEN')
    .map(({ local, inode }) => ({
      ...{ address: local.address, port: local.port },
      ...(inode !== undefined && { inode }),
    }));
  const ports = new Set(listeners.map(({ port }) => port));
  const judged: JudgedConnection[] = [];
  for (const each of sockets.filter(({ state }) => state !== 'LISTEN')) {
    const userspace = await userspaceAddresses(commands, each, abort);
    const outgoing = !ports.has(each.local.port);
    judged.push({ ...each, outgoing, ...(userspace && { userspace }) });
  }
  return Object.assign(state, { listeners, connections: judged });
}

/** The addresses that userspace has given a connection; undefined: the kernel manages it. */
async function userspaceAddresses(
  commands: Commands,
  { token, state }: NamespaceConnection,
  abort: Abortable,
): Promise<JudgedConnection['userspace']> {
  if (token === undefined || state !== 'ESTABLISHED') return undefined;
  try {
    return await publicEndpoints(commands, await commands.endpoints(token, abort), abort);
  } catch {
    throwIfAborted(abort.signal, false);
    return undefined; // the kernel manages it, or it has ended
  }
}
