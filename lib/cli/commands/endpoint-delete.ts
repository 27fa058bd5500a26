import type { Command } from '../command';
import { readEndpointWords, referenceOf } from '../endpoint-words';

/** `mptcp endpoint delete` */
export const endpointDelete: Command = {
  name: 'endpoint delete',
  summary: 'Deletes an endpoint and closes its subflows',
  arguments: [
    { name: 'id', value: 'NUMBER', summary: 'The id of the endpoint', complete: 'endpoint-id' },
    { name: 'ADDRESS', summary: 'Its address, in place of the id', complete: 'address' },
    { name: 'port', value: 'NUMBER', summary: 'Its own port, where several have the address' },
  ],
  options: {},
  examples: [{ command: 'mptcp endpoint delete id 2', summary: 'Deletes the endpoint 2.' }],

  async run(context) {
    const reference = referenceOf(context, readEndpointWords(context, ['id', 'port']));
    await context.withPathManager((pm) => pm.endpoints.delete(reference));
  },
};
