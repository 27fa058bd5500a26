import type { Command } from '../command';
import { readKeywords, readOptionalNumber } from '../keywords';
import { printLimits } from './limits-show';

const MOST = 0xffff_ffff;

/** `mptcp limits set` */
export const limitsSet: Command = {
  name: 'limits set',
  summary: 'Sets how many subflows and announced addresses each connection may have',
  arguments: [
    {
      name: 'subflows',
      value: 'NUMBER',
      summary: 'Subflows that a connection may have beyond its first',
    },
    {
      name: 'add_addr_accepted',
      value: 'NUMBER',
      summary: 'Announced addresses that it may accept',
    },
  ],
  options: {},
  examples: [
    { command: 'mptcp limits set subflows 4 add_addr_accepted 4', summary: 'Allows four of each.' },
  ],

  async run(context) {
    const given = readKeywords(context, { values: ['subflows', 'add_addr_accepted'] });
    const subflows = readOptionalNumber(context, given, 'subflows', 0, MOST);
    const addAddrAccepted = readOptionalNumber(context, given, 'add_addr_accepted', 0, MOST);
    if (subflows === undefined && addAddrAccepted === undefined) {
      context.fail('Nothing to set: give subflows NUMBER or add_addr_accepted NUMBER');
    }
    const limits = await context.withPathManager((pm) =>
      pm.limits.set({
        ...(subflows !== undefined && { subflows }),
        ...(addAddrAccepted !== undefined && { addAddrAccepted }),
      }),
    );
    printLimits(context, limits);
  },
};
