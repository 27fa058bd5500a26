import type { PathManagerEvent } from '../../index';
import type { Command } from '../command';
import { showToken } from '../token';

/** `mptcp monitor` */
export const monitor: Command = {
  name: 'monitor',
  summary: 'Prints what happens to the connections of the namespace, until it is ended',
  arguments: [],
  options: {},
  examples: [
    { command: 'mptcp monitor', summary: 'Prints a line for each event.' },
    { command: 'mptcp -j monitor', summary: 'Prints a JSON object for each event.' },
  ],

  async run(context) {
    context.takeNoMoreThan(0);
    await context.withPathManager(async (pm) => {
      const events = pm.events({ signal: context.signal }).ref();
      await events.ready;
      if (events.source !== 'kernel') {
        context.warn('CAP_NET_ADMIN is missing: connections and subflows are polled every second');
      }
      for await (const event of events) {
        if (context.json) context.printJson(event);
        else context.print(lineOf(event));
      }
    });
  },
};

function text(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { address, port } = value as { address?: string; port?: number };
  if (address === undefined) return JSON.stringify(value);
  return `${address.includes(':') ? `[${address}]` : address}:${port ?? ''}`;
}

/** One line for people: the time, the kind of the event, and what it says. */
function lineOf({ type, ...rest }: PathManagerEvent): string {
  const time = new Date().toISOString().slice(11, 23);
  const fields = Object.entries(rest).flatMap(([name, value]) => {
    if (name === 'source' && value === 'kernel') return [];
    if (name === 'token') return [`token ${showToken(Number(value))}`];
    return [`${name} ${text(value)}`];
  });
  return `${time} ${type.padEnd(18)} ${fields.join(', ')}`;
}
