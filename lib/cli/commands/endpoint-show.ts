import type { Command } from '../command';
import { printEndpoints, readEndpointWords, referenceOf } from '../endpoint-words';

/** `mptcp endpoint show` */
export const endpointShow: Command = {
  name: 'endpoint show',
  summary: 'Shows the endpoints, the state of their interfaces, and how many subflows use them',
  arguments: [
    { name: 'id', value: 'NUMBER', summary: 'Shows this endpoint alone', complete: 'endpoint-id' },
    { name: 'ADDRESS', summary: 'Its address, in place of the id', complete: 'address' },
  ],
  options: {},
  examples: [
    { command: 'mptcp endpoint', summary: 'Shows all endpoints.' },
    { command: 'mptcp -j endpoint show id 2', summary: 'Prints one of them as JSON.' },
  ],

  async run(context) {
    const words = readEndpointWords(context, ['id', 'port']);
    const reference = context.words.length === 0 ? undefined : referenceOf(context, words);
    await context.withPathManager(async (pm) => {
      const endpoints =
        reference === undefined ? await pm.endpoints.list() : [await pm.endpoints.get(reference)];
      await printEndpoints(context, pm, endpoints);
    });
  },
};
