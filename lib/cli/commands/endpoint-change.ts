import type { Command } from '../command';
import { printEndpoints, readEndpointWords, referenceOf } from '../endpoint-words';

const FLAGS = ['backup', 'nobackup', 'fullmesh', 'nofullmesh'] as const;

/** `mptcp endpoint change` */
export const endpointChange: Command = {
  name: 'endpoint change',
  summary: 'Changes flags of an endpoint, and those of its subflows',
  arguments: [
    { name: 'id', value: 'NUMBER', summary: 'The id of the endpoint', complete: 'endpoint-id' },
    { name: 'ADDRESS', summary: 'Its address, in place of the id', complete: 'address' },
    { name: 'port', value: 'NUMBER', summary: 'Its own port, where several have the address' },
    { name: 'backup', summary: 'Its subflows carry data only when no other one can' },
    { name: 'nobackup', summary: 'Its subflows carry data as all others' },
    { name: 'fullmesh', summary: 'Opens a subflow to every address that the peer announced' },
    { name: 'nofullmesh', summary: 'Opens no such subflows' },
  ],
  options: {},
  examples: [
    { command: 'mptcp endpoint change id 2 backup', summary: 'Makes a path the last resort.' },
  ],

  async run(context) {
    const words = readEndpointWords(context, ['id', 'port'], FLAGS);
    const reference = referenceOf(context, words);
    const changes: { backup?: boolean; fullmesh?: boolean } = {};
    for (const name of ['backup', 'fullmesh'] as const) {
      const [on, off] = [words.flags.has(name), words.flags.has(`no${name}`)];
      if (on && off) context.fail(`${name} and no${name} exclude one another`);
      if (on || off) changes[name] = on;
    }
    if (Object.keys(changes).length === 0) {
      context.fail(`Nothing to change: give ${FLAGS.join(', ')}`);
    }
    await context.withPathManager(async (pm) => {
      await printEndpoints(context, pm, [await pm.endpoints.update(reference, changes)]);
    });
  },
};
