/**
 * Ends connections that have lost all of their paths. TCP ends a connection with ECONNRESET or ETIMEDOUT
 * when its peer resets it or no longer answers. Over MPTCP that ends a subflow only: a connection whose
 * last subflow has ended stays open for net.mptcp.close_timeout (60 s, and anew with each attempt to
 * make a subflow), because another may still be made, and the kernel reports it to nobody without
 * CAP_NET_ADMIN. So connections from which nothing comes are polled by socket-watch.ts, and ended as TCP
 * would have ended them. This decides when and with which code.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { IntegerOption } from '../../types/native';
import { loadNative } from '../kernel/addon';
import { sysctlPath } from '../kernel/sysctls';
import { BY_POLICY, type GiveUp } from './give-up';
import type { Offer, PathsSeen } from './offer';

/** What may bring a connection without a path back, such as a policy that opens subflows. */
export interface Rescue {
  /** How long the connection is kept for it. */
  giveUp: GiveUp;
  /** The error with which the kernel ended the last subflow, by its name in errno(3), if known. */
  error?: string | undefined;
}

type Rescuer = (token: number) => Rescue | undefined;

const rescuers = new Set<Rescuer>();

/** Adds a rescuer, which is asked by the token of a connection; returns what removes it. */
export function addRescuer(rescuer: Rescuer): () => void {
  rescuers.add(rescuer);
  return () => void rescuers.delete(rescuer);
}

const NONE: GiveUp = { afterReset: 0, afterSilence: 0 };
/** A client whose policy heals opens another subflow within a second. */
const BY_CLIENT: GiveUp = { afterReset: 2000, afterSilence: 2000 };

/** Returns the error with which a connection without a path ends now; undefined: it is kept. */
export function whyOver(offer: Offer, seen: PathsSeen): Error | undefined {
  const { handle, settings } = offer;
  const now = performance.now();
  seen.lostAt ??= now;
  const rescue = rescueOf(offer);
  const code = rescue.error ?? (seen.silent ? 'ETIMEDOUT' : 'ECONNRESET');
  const { afterReset, afterSilence } = settings.giveUp ?? rescue.giveUp;
  const waited = now - seen.lostAt;
  if (code === 'ECONNRESET') return waited < afterReset ? undefined : connectionError(code);
  const silence = seen.silent ? Infinity : now - seen.aliveAt;
  const isOver = waited >= afterSilence || silence >= keepAliveOf(handle.fd);
  return isOver ? connectionError(code) : undefined;
}

function rescueOf({ handle, side }: Offer): Rescue {
  const token = loadNative()?.mptcpInfo(handle.fd).token ?? 0;
  const rescues = Array.from(rescuers, (rescuer) => rescuer(token)).filter((each) => !!each);
  const waits = rescues.map(({ giveUp }) => giveUp);
  waits.push(side === 'server' ? BY_CLIENT : NONE);
  if (rescues.length === 0 && isUserspaceMode()) waits.push(BY_POLICY);
  return {
    giveUp: {
      afterReset: Math.max(...waits.map(({ afterReset }) => afterReset)),
      afterSilence: Math.max(...waits.map(({ afterSilence }) => afterSilence)),
    },
    error: rescues.find(({ error }) => error !== undefined)?.error,
  };
}

/** Milliseconds for which the mode is not read again: many connections may be lost at the same time. */
const FRESH = 1000;
let mode = '';
let modeReadAt = -Infinity;

/** Whether another process may have a policy for the connections of this network namespace. */
function isUserspaceMode(): boolean {
  const now = performance.now();
  if (now - modeReadAt >= FRESH) {
    modeReadAt = now;
    try {
      mode = readFileSync(sysctlPath('pm_type'), 'latin1').trim();
    } catch {
      mode = ''; // before Linux 5.19 there is none
    }
  }
  return mode === '1';
}

/** How long, in milliseconds, the app's keep-alive lets a peer be silent. */
function keepAliveOf(fd: number): number {
  const read = (name: IntegerOption): number => Number(loadNative()?.getOption(fd, name));
  try {
    if (read('SO_KEEPALIVE') === 0) return Infinity;
    return 1000 * (read('TCP_KEEPIDLE') + read('TCP_KEEPINTVL') * read('TCP_KEEPCNT'));
  } catch {
    return Infinity; // this kernel does not know the options of MPTCP sockets
  }
}

/** Makes the error that Node makes of a read that fails. */
function connectionError(code: string): Error {
  const errno = -((constants.errno as Partial<Record<string, number>>)[code] ?? 0);
  return Object.assign(new Error(`read ${code}`), { errno, code, syscall: 'read' });
}
