import type { Command } from '../command';
import { readKeywords } from '../keywords';
import { mayBePlace, readSocketAddress, readToken, required } from '../token';

/** `mptcp subflow destroy` */
export const subflowDestroy: Command = {
  name: 'subflow destroy',
  summary: 'Closes a subflow of a connection that userspace manages',
  arguments: [
    {
      name: 'TOKEN',
      summary: 'The token of the connection, as `mptcp monitor` shows it',
      required: true,
      complete: 'token',
    },
    { name: 'local', value: 'ADDRESS:PORT', summary: 'Its end on this host', required: true },
    { name: 'remote', value: 'ADDRESS:PORT', summary: 'Its end on the peer', required: true },
  ],
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
    const [word, extra] = given.others;
    const token = readToken(context, word);
    if (extra !== undefined) context.fail(`Unexpected word '${extra}': see --help`);
    const local = required(context, given, 'local', 'ADDRESS:PORT');
    const remote = required(context, given, 'remote', 'ADDRESS:PORT');
    const subflow = {
      local: readSocketAddress(context, 'local', local),
      remote: readSocketAddress(context, 'remote', remote),
    };
    await context.withPathManager((pm) => pm.destroySubflow(token, subflow));
  },
};
