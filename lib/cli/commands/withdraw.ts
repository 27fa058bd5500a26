import type { Command } from '../command';
import { readKeywords, readNumber } from '../keywords';
import { mayBePlace, readToken, required } from '../token';

/** `mptcp withdraw` */
export const withdraw: Command = {
  name: 'withdraw',
  summary:
    'Withdraws an address of a connection that userspace manages; the peer closes its subflows',
  arguments: [
    {
      name: 'TOKEN',
      summary: 'The token of the connection, as `mptcp monitor` shows it',
      required: true,
      complete: 'token',
    },
    {
      name: 'id',
      value: 'NUMBER',
      summary: 'The address id; 0: that of the first subflow',
      required: true,
    },
  ],
  options: {},
  examples: [{ command: 'mptcp withdraw 0x0badcafe id 2', summary: 'Withdraws the address 2.' }],

  async run(context) {
    const given = readKeywords(context, { values: ['id'] }, mayBePlace);
    const [word, extra] = given.others;
    const token = readToken(context, word);
    if (extra !== undefined) context.fail(`Unexpected word '${extra}': see --help`);
    const id = readNumber(context, 'id', required(context, given, 'id', 'NUMBER'), 0, 255);
    await context.withPathManager((pm) => pm.withdraw(token, id));
  },
};
