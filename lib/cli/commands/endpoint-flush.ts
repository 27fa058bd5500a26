import type { Command } from '../command';

/** `mptcp endpoint flush` */
export const endpointFlush: Command = {
  name: 'endpoint flush',
  summary: 'Deletes every endpoint and closes their subflows',
  arguments: [],
  options: {},
  examples: [{ command: 'mptcp endpoint flush', summary: 'Deletes all of this namespace.' }],

  async run(context) {
    context.takeNoMoreThan(0);
    await context.withPathManager((pm) => pm.endpoints.flush());
  },
};
