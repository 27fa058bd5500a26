import type { Command } from '../command';
import { readKeywords } from '../keywords';
import { mayBePlace, readSubflow, SUBFLOW_ARGUMENTS } from '../token';

/** `mptcp priority` */
export const priority: Command = {
  name: 'priority',
  summary:
    'Sets whether a subflow is backup, on both sides, in a connection that userspace manages',
  arguments: [
    ...SUBFLOW_ARGUMENTS,
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
    const { token, subflow } = readSubflow(context, given);
    if (given.flags.size !== 1) context.fail('Give either backup or nobackup');
    await context.withPathManager((pm) => pm.setBackup(token, subflow, given.flags.has('backup')));
  },
};
