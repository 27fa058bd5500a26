import type { Command } from '../command';
import { readKeywords, readNumber, readOptionalNumber } from '../keywords';
import { mayBePlace, readAddress, readToken, required } from '../token';

/** `mptcp announce` */
export const announce: Command = {
  name: 'announce',
  summary: 'Announces an address to the peer of a connection that userspace manages',
  description: [
    'Joins to the address reach a listener of the application: this command has none of its own, as it ends at once.',
  ],
  arguments: [
    {
      name: 'TOKEN',
      summary: 'The token of the connection, as `mptcp monitor` shows it',
      required: true,
      complete: 'token',
    },
    {
      name: 'ADDRESS',
      summary: 'The address that joins are to come to',
      required: true,
      complete: 'address',
    },
    { name: 'id', value: 'NUMBER', summary: 'The address id, 1 to 255', required: true },
    {
      name: 'port',
      value: 'NUMBER',
      summary: 'The port that joins are to come to; that of the connection unless given',
    },
    {
      name: 'dev',
      value: 'NAME',
      summary: 'The interface that has the address',
      complete: 'interface',
    },
  ],
  options: {},
  examples: [
    {
      command: 'mptcp announce 0x0badcafe 192.0.2.2 id 2',
      summary: 'Announces 192.0.2.2 as the address 2.',
    },
  ],

  async run(context) {
    const keywords = { values: ['id', 'port', 'dev'] };
    const given = readKeywords(context, keywords, mayBePlace);
    const [word, text, extra] = given.others;
    const token = readToken(context, word);
    if (text === undefined)
      return context.fail('An address is missing: mptcp announce TOKEN ADDRESS id NUMBER');
    if (extra !== undefined) context.fail(`Unexpected word '${extra}': see --help`);
    const address = readAddress(context, 'The address', text);
    const id = readNumber(context, 'id', required(context, given, 'id', 'NUMBER'), 1, 255);
    const port = readOptionalNumber(context, given, 'port', 1, 65_535);
    const device = given.values.dev;
    await context.withPathManager((pm) =>
      pm.announce(token, {
        ...{ address, id, listen: false },
        ...(port !== undefined && { port }),
        ...(device !== undefined && { interface: device }),
      }),
    );
  },
};
