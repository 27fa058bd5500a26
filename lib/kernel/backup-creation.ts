/**
 * Subflows that are created as backup. Linux 6.1 drops the flag in silence: the new subflow is read
 * back, and gets the priority by a command of its own as soon as it is connected.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeCommand, NativeDiagSubflow } from '../../types/native';
import { isAddress, subflowKey } from '../base/addresses';
import { ENDPOINT_FLAGS, SUBFLOW_FLAGS, TCP_STATES } from './constants';
import { subflowsByToken } from './sock-diag';

type Creation = Extract<NativeCommand, { command: 'createSubflow' }>;

/** What is used here of the command thread. */
export interface CommandChannel {
  readonly netns: string | undefined;
  run(command: NativeCommand): Promise<unknown>;
}

const { ESTABLISHED, SYN_SENT } = TCP_STATES;

/** The pauses between two dumps, in milliseconds. */
const SHORTEST_PAUSE = 5;
const LONGEST_PAUSE = 200;
/** How often the priority of one subflow is set. */
const MOST_TRIES = 3;

/** Whether this kernel has kept the flag of a subflow: then it need not be asked again. */
let isKept = false;

/** By token: what is not done yet. */
const pending = new Map<number, Set<Promise<void>>>();

/** Runs `create`, which creates backup subflows, and sees to it that they become backup. */
export async function createBackups<T>(
  channel: CommandChannel,
  creations: readonly Creation[],
  create: () => Promise<T>,
): Promise<T> {
  if (isKept) return create();
  const before = await subflowsOf(channel, creations).catch(() => undefined);
  const result = await create();
  if (!before) return result; // what cannot be read back is left as it is
  const known = new Set(before.map(subflowKey));
  for (const creation of creations) {
    follow(creation.token, setOnceConnected(channel, creation, known));
  }
  return result;
}

/** Resolves when the new subflows of a connection are backup, or gone. */
export async function backupsSettled(token: number): Promise<void> {
  await Promise.all([...(pending.get(token) ?? [])]);
}

function follow(token: number, work: Promise<void>): void {
  const all = pending.get(token) ?? new Set();
  pending.set(token, all);
  const done = work
    .catch(() => undefined) // the connection or the path manager has closed
    .finally(() => {
      all.delete(done);
      if (all.size === 0) pending.delete(token);
    });
  all.add(done);
}

async function subflowsOf(
  { netns }: CommandChannel,
  creations: readonly Creation[],
): Promise<NativeDiagSubflow[]> {
  const subflows = await subflowsByToken(netns, false);
  const tokens = new Set(creations.map(({ token }) => token));
  return [...tokens].flatMap((token) => subflows.get(token) ?? []);
}

async function setOnceConnected(
  channel: CommandChannel,
  creation: Creation,
  before: ReadonlySet<string>,
): Promise<void> {
  const { token, local, remote } = creation;
  let tries = 0;
  for (let pause = SHORTEST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const subflow = (await subflowsOf(channel, [creation])).find(
      (each) =>
        !before.has(subflowKey(each)) &&
        isAddress(each.local.address, local.address) &&
        isAddress(each.remote.address, remote.address) &&
        each.remote.port === remote.port &&
        (each.state === ESTABLISHED || each.state === SYN_SENT),
    );
    if (subflow?.flags === undefined) return;
    if (subflow.flags & SUBFLOW_FLAGS.BKUP_LOC) {
      isKept ||= pause === SHORTEST_PAUSE;
      return;
    }
    if (subflow.state === ESTABLISHED) {
      if (++tries > MOST_TRIES) return; // it does not show what it was commanded
      const ends = { local: subflow.local, remote: subflow.remote };
      const flags = ENDPOINT_FLAGS.BACKUP;
      await channel.run({ command: 'setSubflowFlags', token, ...ends, flags });
    }
    await sleep(pause, undefined, { ref: false });
  }
}
