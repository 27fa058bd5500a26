/** Which paths are dark, and which are surely not. */
import type { ConnectionView, PathProgress, PathView, PolicyView } from './policy';
import { isOpen } from './reading';

const LOOKS = 2; // in a row: one may come late, after a pause of this very host
const FEW = 4; // packets
const AMID = 150; // ms
const QUEUE = 1200; // ms: more than a queue of one second
const ESTABLISHED = 1; // TCP_ESTABLISHED
const CLOSE_WAIT = 8; // TCP_CLOSE_WAIT

/** Without what time-outs in a row made of it. */
const calmRto = ({ rto, retransmits }: PathProgress): number => rto / 1000 / 2 ** retransmits;

/**
 * After so many milliseconds of silence a path is dark. While a stream of packets is acknowledged, so
 * are its next ones within an rtt, give or take. What is sent after a pause, or alone, may meet a
 * queue that nothing has told of yet.
 */
export function darkAfter({ silentAmid = false }: PathView, progress: PathProgress): number {
  const { rtt, rttvar, unacked } = progress;
  if (silentAmid && unacked >= FEW) return Math.max(AMID, (2.5 * rtt + 4 * rttvar) / 1000);
  const rto = calmRto(progress);
  return rto + Math.max(QUEUE, rto);
}

/** Nothing comes back of what was sent over it, for longer than any queue explains. */
export function isDark(path: PathView): boolean {
  const { progress, silentSince, silentLooks = 0, lookedAt = 0 } = path;
  if (!progress || silentSince === undefined || silentLooks < LOOKS) return false;
  return lookedAt - silentSince >= darkAfter(path, progress);
}

/** Its link and its address are there. */
export function isLocallyUp({ interfaces }: PolicyView, path: PathView): boolean {
  if (path.addressGone) return false;
  return interfaces.find(({ name }) => name === path.interface)?.running ?? true;
}

/** As far as can be told, a path can carry what another one does not. */
export function isAlive(view: PolicyView, path: PathView): boolean {
  const { progress, silentSince, lookedAt = 0 } = path;
  if (!isOpen(path) || !isLocallyUp(view, path)) return false;
  if (!progress) return true;
  if (progress.state !== ESTABLISHED && progress.state !== CLOSE_WAIT) return false;
  return silentSince === undefined || lookedAt - silentSince < darkAfter(path, progress) / 2;
}

const QUIET = 250; // ms

const movedBefore = ({ lastDataSent, lastDataRecv, lastAckRecv, unacked }: PathProgress): number =>
  Math.min(lastDataSent, lastDataRecv, unacked > 0 ? lastAckRecv : Infinity);

/** When data or its acknowledgements moved last, as far as is known. */
export const movedAt = ({ progress, lookedAt }: PathView): number | undefined =>
  progress && lookedAt !== undefined ? lookedAt - movedBefore(progress) : undefined;

/**
 * Nothing moves, as far as is known. The kernel sends everything that is not acknowledged again,
 * also what is on other paths, when a subflow ends (net/mptcp/protocol.c, __mptcp_close_ssk()):
 * while much is on its way that is a stall of its own.
 */
export const isQuiet = ({ paths }: ConnectionView): boolean =>
  paths.every(
    ({ progress }) => !progress || (progress.unacked === 0 && movedBefore(progress) >= QUIET),
  );
