/** `mptcp doctor`: the findings of doctor(), once or as they change, and a report for a bug. */
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DoctorOptions, DoctorReport, Finding } from '../../index';
import type { Command } from '../command';
import type { Context } from '../context';
import { EXIT } from '../failure';
import { findingLines, reportLines } from '../findings';

/** Milliseconds between two examinations of `--watch`. */
const INTERVAL = 2000;

function optionsOf(context: Context): DoctorOptions {
  const { pid, role, peer } = context.options;
  if (typeof pid === 'string' && !/^[1-9]\d*$/.test(pid)) {
    context.fail(`The option --pid needs a process id, not '${pid}': ps -e lists them`);
  }
  if (typeof role === 'string' && role !== 'client' && role !== 'server') {
    context.failForWord('role', role, ['client', 'server']);
  }
  return {
    signal: context.signal,
    ...(context.netns !== undefined && { netns: context.netns }),
    ...(typeof pid === 'string' && { pid: Number(pid) }),
    ...(typeof role === 'string' && { role: role }),
    ...(Array.isArray(peer) && { peers: peer.map(String) }),
  };
}

/** Writes the report for a bug into a new file, which only its owner can read. */
async function writeBugReport(file: string, options: DoctorOptions): Promise<void> {
  const { bugReport } = require('../../index') as typeof import('../../index');
  const text = JSON.stringify(await bugReport(options), undefined, 2);
  await writeFile(file, `${text}\n`, { mode: 0o600 });
}

const keyOf = ({ id, message }: Finding): string => `${id} ${message}`;

/** Prints what appears and what disappears, until the signal aborts. */
async function watch(context: Context, options: DoctorOptions): Promise<void> {
  const { doctor } = require('../../index') as typeof import('../../index');
  let before = new Map<string, Finding>();
  for (;;) {
    const { findings } = await doctor(options);
    const now = new Map(findings.map((finding) => [keyOf(finding), finding]));
    for (const [key, finding] of now) if (!before.has(key)) show(context, 'found', finding);
    for (const [key, finding] of before) if (!now.has(key)) show(context, 'gone', finding);
    before = now;
    await sleep(INTERVAL, undefined, { signal: context.signal });
  }
}

function show(context: Context, change: 'found' | 'gone', finding: Finding): void {
  if (context.json) context.printJson({ change, finding });
  else if (change === 'gone') context.print(`gone ${finding.id}: ${finding.message}`);
  else for (const line of findingLines(finding, context)) context.print(line);
}

/** `mptcp doctor` */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Finds faults of the set-up, and the command that mends each',
  description: [
    'It changes nothing. docs/doctor.md explains each finding by its id.',
    'The exit code is 1 if there is an error among the findings, and 0 otherwise.',
  ],
  arguments: [],
  options: {
    pid: { type: 'string', value: 'PID', summary: 'Judges a process too, in its namespace' },
    role: {
      ...{ type: 'string', value: 'ROLE', complete: ['client', 'server'] },
      summary: 'What this host does, if its sockets do not show it',
    },
    peer: {
      ...{ type: 'string', multiple: true, value: 'ADDRESS' },
      summary: 'An address to which routes must lead',
    },
    watch: { type: 'boolean', summary: 'Continues, and prints what appears and disappears' },
    bugreport: {
      ...{ type: 'string', value: 'FILE', complete: 'file' },
      summary: 'Writes all that was read into a file, with addresses and names replaced',
    },
  },
  examples: [
    { command: 'mptcp doctor', summary: 'Examines this network namespace.' },
    { command: 'mptcp doctor --pid 1234', summary: 'Examines a process too.' },
    { command: 'mptcp doctor --bugreport report.json', summary: 'Writes a report for a bug.' },
  ],

  async run(context) {
    context.takeNoMoreThan(0);
    const options = optionsOf(context);
    const { bugreport } = context.options;
    if (typeof bugreport === 'string') return writeBugReport(bugreport, options);
    if (context.options.watch === true) return watch(context, options);
    const { doctor } = require('../../index') as typeof import('../../index');
    const report: DoctorReport = await doctor(options);
    if (context.json) context.printJson(report);
    else for (const line of reportLines(report, context)) context.print(line);
    const errors = report.findings.filter(({ severity }) => severity === 'error').length;
    if (errors > 0) context.fail(`${errors} of the findings are errors`, EXIT.REFUSED);
  },
};
