import type { Command } from '../command';
import { readKeywords } from '../keywords';
import { mayBePlace, readSocketAddress, readToken, required } from '../token';

/** `mptcp priority` */
export const priority: Command = {
  name: 'priority',
  summary:
    'Sets whether a subflow is backup, on both sides, in a connection that userspace manages',
  arguments: [
    {
      name: 'TOKEN',
      summary: 'The token of the connection, as `mptcp monitor` shows it',
      required: true,
      complete: 'token',
    },
    { name: 'local', value: 'ADDRESS:PORT', summary: 'Its end on this host', required: true },
    { name: 'remote', value: 'ADDRESS:PORT', summary: 'Its end on the peer', required: true },
    { name: 'backup', summary: 'It carries data only when no other one can' },
    { name: 'nobackup', summary: 'It carries data as all others' },
  ],
  options: {},
  examples: [
    {
      command: 'mptcp priority 0x0badcafe local 192.0.2.1:40000 remote 198.51.100.1:443 backup',
      summary: 'Makes that subflow the last resort.',
    },
  ],

  async run(context) {
    const keywords = { values: ['local', 'remote'], flags: ['backup', 'nobackup'] };
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
    if (given.flags.size !== 1) context.fail('Give either backup or nobackup');
    await context.withPathManager((pm) => pm.setBackup(token, subflow, given.flags.has('backup')));
  },
};
