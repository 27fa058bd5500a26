import type { Command } from '../command';

/** `mptcp limits show` */
export const limitsShow: Command = {
  name: 'limits show',
  summary: 'Shows how many subflows and announced addresses each connection may have',
  arguments: [],
  options: {},
  examples: [
    { command: 'mptcp limits show', summary: 'Shows the limits of this network namespace.' },
    {
      command: 'mptcp -n blue -j limits show',
      summary: 'Prints those of the namespace blue as JSON.',
    },
  ],

  async run(context) {
    context.takeNoMoreThan(0);
    const limits = await context.withPathManager((pm) => pm.limits.get());
    if (context.json) {
      context.printJson(limits);
      return;
    }
    context.printTable(
      ['Limit', 'Value', 'For each connection'],
      [
        ['subflows', String(limits.subflows), 'subflows beyond its first'],
        ['add_addr_accepted', String(limits.addAddrAccepted), 'announced addresses that it uses'],
      ],
    );
  },
};
