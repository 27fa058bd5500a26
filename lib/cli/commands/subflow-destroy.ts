import type { Command } from '../command';
import { readKeywords } from '../keywords';
import { mayBePlace, readSubflow, SUBFLOW_ARGUMENTS } from '../token';

/** `mptcp subflow destroy` */
export const subflowDestroy: Command = {
  name: 'subflow destroy',
  summary: 'Closes a subflow of a connection that userspace manages',
  arguments: SUBFLOW_ARGUMENTS,
  options: {},
  examples: [
    {
      command: 'mptcp subflow destroy 0x0badcafe local 192.0.2.1:40000 remote 198.51.100.1:443',
      summary: 'Closes that subflow.',
    },
  ],

  async run(context) {
    const keywords = { values: ['local', 'remote'] };
    const given = readKeywords(context, keywords, mayBePlace);
    const { token, subflow } = readSubflow(context, given);
    await context.withPathManager((pm) => pm.destroySubflow(token, subflow));
  },
};
