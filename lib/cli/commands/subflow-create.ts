import type { Command } from '../command';
import { readKeywords, readNumber } from '../keywords';
import { mayBePlace, readAddress, readSocketAddress, readToken, required } from '../token';

/** `mptcp subflow create` */
export const subflowCreate: Command = {
  name: 'subflow create',
  summary: 'Begins a subflow of a connection that userspace manages',
  arguments: [
    {
      name: 'TOKEN',
      summary: 'The token of the connection, as `mptcp monitor` shows it',
      required: true,
      complete: 'token',
    },
    {
      name: 'local',
      value: 'ADDRESS',
      summary: 'The address where it begins',
      required: true,
      complete: 'address',
    },
    { name: 'id', value: 'NUMBER', summary: 'The id of that address, 0 to 255', required: true },
    { name: 'remote', value: 'ADDRESS:PORT', summary: 'Where it goes', required: true },
    { name: 'dev', value: 'NAME', summary: 'The interface to use', complete: 'interface' },
    { name: 'backup', summary: 'It carries data only when no other one can' },
  ],
  options: {},
  examples: [
    {
      command: 'mptcp subflow create 0x0badcafe local 192.0.2.1 id 2 remote 198.51.100.1:443',
      summary: 'Begins a subflow from 192.0.2.1; `mptcp monitor` shows whether it is established.',
    },
  ],

  async run(context) {
    const keywords = { values: ['local', 'id', 'remote', 'dev'], flags: ['backup'] };
    const given = readKeywords(context, keywords, mayBePlace);
    const [word, extra] = given.others;
    const token = readToken(context, word);
    if (extra !== undefined) context.fail(`Unexpected word '${extra}': see --help`);
    const address = readAddress(context, 'local', required(context, given, 'local', 'ADDRESS'));
    const id = readNumber(context, 'id', required(context, given, 'id', 'NUMBER'), 0, 255);
    const to = required(context, given, 'remote', 'ADDRESS:PORT');
    const remote = readSocketAddress(context, 'remote', to);
    const device = given.values.dev;
    const local = { address, id, ...(device !== undefined && { interface: device }) };
    const backup = given.flags.has('backup');
    await context.withPathManager((pm) => pm.createSubflow(token, { local, remote, backup }));
  },
};
