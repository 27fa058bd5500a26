import type { Command } from '../command';
import { printEndpoints, readEndpointWords } from '../endpoint-words';

const FLAGS = ['signal', 'subflow', 'backup', 'fullmesh', 'laminar'] as const;

/** `mptcp endpoint add` */
export const endpointAdd: Command = {
  name: 'endpoint add',
  summary: 'Adds an address that connections use for further subflows, or announce',
  description: [
    'A client gives `subflow`: each connection opens a subflow from the address. A server gives `signal`: each connection announces it.',
  ],
  arguments: [
    { name: 'ADDRESS', summary: 'An IPv4 or IPv6 address', required: true, complete: 'address' },
    { name: 'dev', value: 'NAME', summary: 'The interface to use', complete: 'interface' },
    {
      name: 'id',
      value: 'NUMBER',
      summary: 'The address id, 1 to 255; the kernel chooses one unless given',
    },
    {
      name: 'port',
      value: 'NUMBER',
      summary: 'A port at which the kernel listens for joins; with signal',
    },
    { name: 'signal', summary: 'Announces the address to the peer' },
    { name: 'subflow', summary: 'Opens a subflow from the address' },
    { name: 'backup', summary: 'Its subflows carry data only when no other one can' },
    { name: 'fullmesh', summary: 'Opens a subflow to every address that the peer announced' },
    { name: 'laminar', summary: 'Used as the source towards an address that the peer announces' },
  ],
  options: {},
  examples: [
    {
      command: 'mptcp endpoint add 192.0.2.1 dev eth1 subflow',
      summary: 'Adds a path of a client.',
    },
    {
      command: 'mptcp endpoint add 192.0.2.2 signal',
      summary: 'Announces an address of a server.',
    },
  ],

  async run(context) {
    const words = readEndpointWords(context, ['id', 'dev', 'port'], FLAGS);
    const { address, id, port, device, flags } = words;
    if (address === undefined) {
      return context.fail('An address is missing: mptcp endpoint add ADDRESS');
    }
    await context.withPathManager(async (pm) => {
      const endpoint = await pm.endpoints.add({
        address,
        ...(id !== undefined && { id }),
        ...(port !== undefined && { port }),
        ...(device !== undefined && { interface: device }),
        ...Object.fromEntries(FLAGS.map((flag) => [flag, flags.has(flag)])),
      });
      await printEndpoints(context, pm, [endpoint]);
    });
  },
};
