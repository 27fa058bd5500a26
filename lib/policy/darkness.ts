/**
 * Decides whether a path is dark or alive; every policy and every report of dark paths asks here. A
 * path is dark when data wait for an acknowledgement and nothing at all has arrived for longer than
 * any queue explains (`isDark`); it is alive when it can be relied on to replace a dark one
 * (`isAlive`). What lies between the two is neither. engine/progress.ts measures the silence.
 */
import { TCP_STATES } from '../kernel/constants';
import type { ConnectionView, PathProgress, PathView, PolicyView } from './policy';
import { isOpen } from './view-queries';

const MIN_SILENT_POLLS = 2; // consecutive: a single poll may be late because this host paused
const MIN_STREAM_UNACKED = 4; // packets
const MIN_STREAM_SILENCE = 150; // ms
const LONGEST_QUEUE = 1200; // ms: a queue of one second, and some more
const QUIET_AFTER = 250; // ms
const { ESTABLISHED, CLOSE_WAIT } = TCP_STATES;

/** The retransmission time-out in milliseconds without its exponential back-off. */
const baseRto = ({ rto, retransmits }: PathProgress): number => rto / 1000 / 2 ** retransmits;

const isMidStream = ({ midStream = false }: PathView, { unacked }: PathProgress): boolean =>
  midStream && unacked >= MIN_STREAM_UNACKED;

/**
 * After how many milliseconds of silence a path is dark. In the middle of a stream, acknowledgements
 * follow each other within about an rtt. Data that follow a pause, or a few packets alone, may meet a
 * queue that the rtt does not reflect yet.
 */
export function darkAfter(path: PathView, progress: PathProgress): number {
  const { rtt, rttvar } = progress;
  if (isMidStream(path, progress)) {
    return Math.max(MIN_STREAM_SILENCE, (2.5 * rtt + 4 * rttvar) / 1000);
  }
  const rto = baseRto(progress);
  return rto + Math.max(LONGEST_QUEUE, rto);
}

/**
 * When the last transmission, the second retransmission at most, took place in milliseconds of the
 * silence. A full queue may have dropped those before it, and holds this one: its answer may be a
 * queue away. A path on which even the third transmission got none is dark.
 */
function lastChanceAt({ silentSince = 0, polledAt = 0 }: PathView, progress: PathProgress): number {
  const sentAt = polledAt - progress.lastDataSent - silentSince;
  return Math.min(sentAt, 3 * baseRto(progress));
}

/** Whether data wait on the path and nothing has arrived for so long that it must have failed. */
export function isDark(path: PathView): boolean {
  const { progress, silentSince, silentPolls = 0, polledAt = 0 } = path;
  if (!progress || silentSince === undefined || silentPolls < MIN_SILENT_POLLS) return false;
  const silence = polledAt - silentSince;
  if (silence < darkAfter(path, progress)) return false;
  return isMidStream(path, progress) || silence >= lastChanceAt(path, progress) + LONGEST_QUEUE;
}

/** Whether this host still has the path's address, and its link is running. */
export function isLocallyUp({ interfaces }: PolicyView, path: PathView): boolean {
  if (path.addressGone) return false;
  return interfaces.find(({ name }) => name === path.interface)?.running ?? true;
}

/** Whether the path can replace one that fails: it is up, and its silence is far from darkness. */
export function isAlive(view: PolicyView, path: PathView): boolean {
  const { progress, silentSince, polledAt = 0 } = path;
  if (!isOpen(path) || !isLocallyUp(view, path)) return false;
  if (!progress) return true;
  if (progress.state !== ESTABLISHED && progress.state !== CLOSE_WAIT) return false;
  return silentSince === undefined || polledAt - silentSince < darkAfter(path, progress) / 2;
}

/** Milliseconds since data, or acknowledgements of waiting data, last moved, at the last poll. */
const idleFor = ({ lastDataSent, lastDataRecv, lastAckRecv, unacked }: PathProgress): number =>
  Math.min(lastDataSent, lastDataRecv, unacked > 0 ? lastAckRecv : Infinity);

/** When data or acknowledgements last moved; undefined: the path was not polled. */
export const lastActiveAt = ({ progress, polledAt }: PathView): number | undefined =>
  progress && polledAt !== undefined ? polledAt - idleFor(progress) : undefined;

/**
 * Whether no path of the connection carries anything, so that closing a subflow disturbs none: the
 * kernel then retransmits all data that are not acknowledged, also those on other paths
 * (net/mptcp/protocol.c, __mptcp_close_ssk()), which under load is a stall of its own.
 */
export const isQuiet = ({ paths }: ConnectionView): boolean =>
  paths.every(
    ({ progress }) => !progress || (progress.unacked === 0 && idleFor(progress) >= QUIET_AFTER),
  );
