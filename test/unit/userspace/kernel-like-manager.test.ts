import { EventEmitter } from 'node:events';
import type { EstablishedEvent, PathManagerEvents } from '../../../lib';
import type { Commands } from '../../../lib/kernel/commands';
import { KernelLikeManager } from '../../../lib/userspace/kernel-like-manager';
import type { NativeCommand, NativeEndpoint } from '../../../types/native';

const SUBFLOW = 2;
const established = (token: number): EstablishedEvent => ({
  ...{ type: 'established', source: 'kernel', token, serverSide: false, denyJoinId0: false },
  local: { address: '10.1.0.1', port: 1000 + token, family: 'IPv4' },
  remote: { address: '10.1.0.2', port: 80, family: 'IPv4' },
});
const endpoint: NativeEndpoint = {
  ...{ id: 2, address: '10.2.0.1', flags: SUBFLOW, port: 0, interface: 0 },
};

/** A path manager that says yes to everything. */
class Kernel {
  readonly events = Object.assign(new EventEmitter(), { close: () => Promise.resolve() });
  readonly done: NativeCommand[] = [];
  reads = 0;
  limits = { subflows: 1, addAddrAccepted: 8 };

  readonly commands = {
    endpoints: async () => {
      this.reads++;
      await this.turn();
      return [endpoint];
    },
    run: async () => {
      await this.turn();
      return this.limits;
    },
    runAll: async (commands: NativeCommand[]) => {
      this.done.push(...commands);
      await this.turn();
      return commands.map(() => undefined);
    },
  };

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
});
