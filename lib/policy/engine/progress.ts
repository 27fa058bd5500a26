/** What two looks at a path tell: its loss, and whether anything comes back. */
import type { PathProgress } from '../policy';
import type { EnginePath, EngineState } from './state';

const SMOOTH = 50; // packets

const copyOf = (progress: PathProgress): PathProgress => ({
  ...progress,
  local: { ...progress.local },
  remote: { ...progress.remote },
});

/** What a counter has grown by: one that shrinks belongs to another subflow. */
const growth = (after: number, before = 0): number => (after >= before ? after - before : after);

function smoothedLoss(
  path: EnginePath,
  before: PathProgress,
  after: PathProgress,
): number | undefined {
  const sent = growth(after.dataSegsOut, before.dataSegsOut);
  if (sent === 0) return path.loss;
  const again = Math.min(sent, growth(after.totalRetrans, before.totalRetrans));
  const weight = sent / (sent + SMOOTH);
  return (path.loss ?? 0) * (1 - weight) + (again / sent) * weight;
}

/** When anything came last. An acknowledgement that only comes with data is known by the data. */
const heardAt = (progress: PathProgress, at: number): number =>
  at - Math.min(progress.lastAckRecv, progress.lastDataRecv);

function followSilence(path: EnginePath, after: PathProgress, at: number): void {
  const { progress: before, lookedAt = at, waitingSince, silentLooks = 0 } = path;
  delete path.silentSince;
  delete path.silentLooks;
  // What a closed window did not take is sent again ever more seldom, and not acknowledged then.
  if (after.unacked === 0 || after.sndWnd === 0) {
    delete path.waitingSince;
    delete path.silentAmid;
    return;
  }
  const acked = before !== undefined && after.bytesAcked > before.bytesAcked;
  const heard = Math.max(heardAt(after, at), acked ? lookedAt : -Infinity);
  const sent = at - after.lastDataSent;
  // What was sent after a pause has been on its way since the last look at the earliest. Where one
  // came late, there may have been a pause after what was heard: the last of what was sent counts.
  const begun = waitingSince ?? Math.max(lookedAt, sent);
  const news = before === undefined || acked || heard > lookedAt;
  path.waitingSince = Math.max(begun, heard, news ? sent : -Infinity);
  if (acked) path.silentAmid = true;
  if (news) return;
  path.silentSince = path.waitingSince;
  path.silentLooks = silentLooks + 1;
}

/** Takes a look at a path into account; gives the bytes that went over it since the last one. */
export function look(path: EnginePath, progress: PathProgress, at: number): number {
  const { progress: before } = path;
  const after = copyOf(progress);
  if (before) {
    const loss = smoothedLoss(path, before, after);
    if (loss !== undefined) path.loss = loss;
  }
  followSilence(path, after, at);
  path.progress = after;
  path.lookedAt = at;
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
