/** Tests how the kernel-like manager carries out its policy's commands. */
import { EventEmitter } from 'node:events';
import { type EstablishedEvent, MptcpError, type PathManagerEvents } from '../../../lib';
import type { Commands } from '../../../lib/kernel/commands';
import { KernelLikeManager } from '../../../lib/userspace/kernel-like-manager';
import type { NativeCommand, NativeEndpoint } from '../../../types/native';

const SIGNAL = 1;
const SUBFLOW = 2;
const FULLMESH = 8;
const established = (token: number): EstablishedEvent => ({
  ...{ type: 'established', source: 'kernel', token, serverSide: false, denyJoinId0: false },
  local: { address: '10.1.0.1', port: 1000 + token, family: 'IPv4' },
  remote: { address: '10.1.0.2', port: 80, family: 'IPv4' },
});
const endpoint: NativeEndpoint = {
  ...{ id: 2, address: '10.2.0.1', flags: SUBFLOW, port: 0, interface: 0 },
};

/** A path manager that accepts every command, but for ids that it has given to other addresses. */
class Kernel {
  readonly events = Object.assign(new EventEmitter(), { close: () => Promise.resolve() });
  readonly done: NativeCommand[] = [];
  reads = 0;
  limits = { subflows: 1, addAddrAccepted: 8 };
  endpoints = [endpoint];
  /** The addresses of each connection. */
  given: NativeEndpoint[] = [];

  readonly commands = {
    endpoints: async (token?: number) => {
      if (token === undefined) this.reads++;
      await this.turn();
      return token === undefined ? this.endpoints : this.given;
    },
    run: async (command: NativeCommand) => {
      await this.turn();
      if (command.command === 'getLimits') return this.limits;
      const refused = this.reply(command);
      if (refused) throw refused;
      return undefined;
    },
    runAll: async (commands: NativeCommand[]) => {
      await this.turn();
      return commands.map((command) => this.reply(command));
    },
  };

  reply(command: NativeCommand): MptcpError | undefined {
    this.done.push(command);
    const local =
      command.command === 'createSubflow'
        ? command.local
        : command.command === 'announce' && command.endpoint;
    if (!local || !this.given.some(({ id }) => id === local.id)) return undefined;
    return new MptcpError('ERR_MPTCP_EXISTS', 'taken', { errno: -22, extack: 'did not match' });
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Until nothing is under way any more. */
  async idle(): Promise<void> {
    for (let i = 0; i < 20; i++) await this.turn();
  }

  created(): string[] {
    return this.done.flatMap((each) =>
      each.command === 'createSubflow' ? [`${each.token} ${each.remote.address}`] : [],
    );
  }
}

describe('the default manager', () => {
  let kernel: Kernel;
  let manager: KernelLikeManager;
  beforeEach(() => {
    kernel = new Kernel();
    manager = new KernelLikeManager(
      kernel.commands as unknown as Commands,
      kernel.events as unknown as PathManagerEvents,
      () => false,
    );
  });
  afterEach(() => manager.close());

  test('many connections at once cost a few reads', async () => {
    for (let token = 1; token <= 1000; token++) {
      kernel.events.emit('established', established(token));
    }
    await kernel.idle();
    expect(kernel.created()).toHaveLength(1000);
    expect(kernel.reads).toBeLessThanOrEqual(3);
  });

  test('one that begins while endpoints are read gets those that there are then', async () => {
    kernel.limits = { subflows: 0, addAddrAccepted: 0 };
    kernel.events.emit('established', established(1));
    while (kernel.reads === 0) await kernel.turn();
    kernel.limits = { subflows: 1, addAddrAccepted: 0 };
    kernel.events.emit('established', established(2));
    await kernel.idle();
    expect(kernel.created()).toEqual(expect.arrayContaining(['2 10.1.0.2']));
  });

  test('what was being opened when events were lost takes no room for ever', async () => {
    kernel.events.emit('established', established(1));
    await kernel.idle();
    expect(kernel.created()).toEqual(['1 10.1.0.2']);
    // That it failed is among what was lost.
    kernel.events.emit('overrun', { type: 'overrun' });
    const announced = { type: 'announced', source: 'kernel', token: 1, remoteId: 3 };
    kernel.events.emit('announced', { ...announced, address: '10.3.0.2' });
    await kernel.idle();
    expect(kernel.created()).toEqual(['1 10.1.0.2', '1 10.3.0.2']);
  });

  test('what opens after all is held to the limit', async () => {
    kernel.events.emit('established', established(1));
    await kernel.idle();
    kernel.events.emit('overrun', { type: 'overrun' });
    for (const port of [2001, 2002]) {
      kernel.events.emit('subflowEstablished', {
        ...{ type: 'subflowEstablished', source: 'dump', token: 1 },
        local: { address: '10.2.0.1', port, family: 'IPv4' },
        remote: established(1).remote,
      });
    }
    await kernel.idle();
    const destroyed = kernel.done.filter(({ command }) => command === 'destroySubflow');
    expect(destroyed).toMatchObject([{ local: { port: 2002 } }]);
  });

  test('setting and clearing fullmesh replaces the subflows of open connections', async () => {
    kernel.limits = { subflows: 8, addAddrAccepted: 8 };
    kernel.events.emit('established', established(1));
    await kernel.idle();
    const subflow = (type: string, port: number, to = '10.1.0.2') =>
      kernel.events.emit(type, {
        ...{ type, source: 'kernel', token: 1, remote: { ...established(1).remote, address: to } },
        local: { address: '10.2.0.1', port, family: 'IPv4' },
      });
    subflow('subflowEstablished', 2001);
    kernel.events.emit('subflowEstablished', {
      ...{ type: 'subflowEstablished', source: 'kernel', token: 1 },
      local: established(1).local,
      remote: { ...established(1).remote, address: '10.3.0.2' },
    });
    await kernel.idle();
    for (const [flags, expected] of [
      [SUBFLOW | FULLMESH, ['1 10.1.0.2', '1 10.3.0.2']],
      [SUBFLOW, ['1 10.1.0.2']],
    ] as const) {
      kernel.done.length = 0;
      kernel.endpoints = [{ ...endpoint, flags }];
      await manager.refresh();
      await kernel.idle();
      expect(kernel.done[0]).toMatchObject({ command: 'destroySubflow' });
      expect(kernel.created()).toEqual(expected);
      subflow('subflowClosed', flags === SUBFLOW ? 2002 : 2001);
      subflow('subflowEstablished', 2002);
      await kernel.idle();
    }
  });

  test('the id of an endpoint that is gone is withdrawn before its subflows are destroyed', async () => {
    kernel.events.emit('established', established(1));
    await kernel.idle();
    kernel.events.emit('subflowEstablished', {
      ...{ type: 'subflowEstablished', source: 'kernel', token: 1, localId: 2 },
      local: { address: '10.2.0.1', port: 2001, family: 'IPv4' },
      remote: established(1).remote,
    });
    await kernel.idle();
    kernel.done.length = 0;
    kernel.endpoints = [];
    await manager.refresh();
    await kernel.idle();
    expect(kernel.done).toMatchObject([
      { command: 'remove', localId: 2 },
      { command: 'destroySubflow', local: { port: 2001 } },
    ]);
  });

  test('an endpoint whose id the kernel has given to another address gets another id', async () => {
    const signal = { ...endpoint, id: 3, address: '10.3.0.1', flags: SIGNAL };
    kernel.endpoints = [endpoint, signal];
    kernel.given = [
      { ...endpoint, address: '10.8.0.1' },
      { ...signal, address: '10.9.0.1' },
    ];
    kernel.events.emit('established', established(1));
    await kernel.idle();
    const ids = (command: string): number[] =>
      kernel.done.flatMap((each) => {
        if (each.command !== command) return [];
        if (each.command === 'createSubflow') return [each.local.id];
        if (each.command === 'announce') return [each.endpoint.id];
        return each.command === 'remove' ? [each.localId] : [];
      });
    const [created, announced] = [ids('createSubflow').at(-1), ids('announce').at(-1)];
    expect([created, announced].sort()).toEqual([1, 4]);
    kernel.endpoints = [];
    await manager.refresh();
    await kernel.idle();
    expect(ids('remove')).toEqual([announced]);
  });
});
