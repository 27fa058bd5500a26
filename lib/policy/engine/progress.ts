/** Derives loss, silence and usage of a path from consecutive polls of it. */
import type { PathProgress } from '../policy';
import type { EnginePath, EngineState } from './state';

const LOSS_WEIGHT = 50; // packets that count as much as all before them

const copyOf = (progress: PathProgress): PathProgress => ({
  ...progress,
  local: { ...progress.local },
  remote: { ...progress.remote },
});

/** The growth of a counter. One that shrank belongs to a new subflow between the same ports. */
const growth = (after: number, before = 0): number => (after >= before ? after - before : after);

function smoothedLoss(
  path: EnginePath,
  before: PathProgress,
  after: PathProgress,
): number | undefined {
  const sent = growth(after.dataSegsOut, before.dataSegsOut);
  if (sent === 0) return path.loss;
  const retransmitted = Math.min(sent, growth(after.totalRetrans, before.totalRetrans));
  const weight = sent / (sent + LOSS_WEIGHT);
  return (path.loss ?? 0) * (1 - weight) + (retransmitted / sent) * weight;
}

/** When anything last arrived. An acknowledgement on a data packet counts as data. */
const lastArrivalAt = (progress: PathProgress, at: number): number =>
  at - Math.min(progress.lastAckRecv, progress.lastDataRecv);

function updateSilence(path: EnginePath, after: PathProgress, at: number): void {
  const { progress: before, polledAt = at, waitingSince, silentPolls = 0 } = path;
  delete path.silentSince;
  delete path.silentPolls;
  // Data that a closed window rejected are retransmitted with growing pauses and stay unacknowledged.
  if (after.unacked === 0 || after.sndWnd === 0) {
    delete path.waitingSince;
    delete path.midStream;
    return;
  }
  const acked = before !== undefined && after.bytesAcked > before.bytesAcked;
  const arrivedAt = Math.max(lastArrivalAt(after, at), acked ? polledAt : -Infinity);
  const sentAt = at - after.lastDataSent;
  // Data that were sent after a pause have waited since the last poll at the earliest. Where a poll
  // was late, the sender may have paused after the last arrival: the last transmission counts then.
  const begunAt = waitingSince ?? Math.max(polledAt, sentAt);
  const arrived = before === undefined || acked || arrivedAt > polledAt;
  path.waitingSince = Math.max(begunAt, arrivedAt, arrived ? sentAt : -Infinity);
  if (acked) path.midStream = true;
  if (arrived) return;
  path.silentSince = path.waitingSince;
  path.silentPolls = silentPolls + 1;
}

/** Updates a path by a poll, and returns the bytes that it carried since the one before. */
export function updateProgress(path: EnginePath, progress: PathProgress, at: number): number {
  const { progress: before } = path;
  const after = copyOf(progress);
  if (before) {
    const loss = smoothedLoss(path, before, after);
    if (loss !== undefined) path.loss = loss;
  }
  updateSilence(path, after, at);
  path.progress = after;
  path.polledAt = at;
  return (
    growth(after.bytesSent, before?.bytesSent) + growth(after.bytesReceived, before?.bytesReceived)
  );
}

export function addUsage(
  { usage }: EngineState,
  { interface: name }: EnginePath,
  bytes: number,
): void {
  if (name !== undefined && bytes > 0) usage.set(name, (usage.get(name) ?? 0) + bytes);
}
