import type { LimitValues } from '../../index';
import type { Command } from '../command';
import type { Context } from '../context';

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
    printLimits(context, await context.withPathManager((pm) => pm.limits.get()));
  },
};

/** Prints limits as a table or as JSON. */
export function printLimits(context: Context, limits: LimitValues): void {
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
}
