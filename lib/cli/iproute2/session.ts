/** What the commands of `ip mptcp` share: its options, its output and the path manager. */
import type { PathManager } from '../../index';
import type { Output } from '../context';

/** What of ip(8)'s releases differs. */
export interface Profile {
  /** The flags of endpoints in the order in which they are printed. */
  flags: Readonly<Record<string, number>>;
  /** Whether the id 0 is refused before the kernel refuses or ignores it. */
  refusesIdZero: boolean;
  /** Whether `monitor` knows the events of listeners. */
  namesListeners: boolean;
  /** Whether `monitor` prints the flags of connections by their names. */
  namesFlags: boolean;
}

/** The options of ip(8) that change what `ip mptcp` prints. */
export interface IpOptions {
  json: boolean;
  pretty: boolean;
  /** `short` is that of -ts. */
  timestamp: 'none' | 'long' | 'short';
}

/** One run of the program. */
export interface Session {
  readonly profile: Profile;
  readonly options: Readonly<IpOptions>;
  readonly stdout: Output;
  /** Opens the path manager at the first call. */
  pm(): Promise<PathManager>;
  /** Aborts when the program is to end. */
  readonly signal: AbortSignal;
}

const SIGNAL = 1;
const SUBFLOW = 2;
const BACKUP = 4;
const FULLMESH = 8;
const IMPLICIT = 16;
const LAMINAR = 32;

/** The releases whose output is imitated, by their names on the command line. */
export const PROFILES: Readonly<Record<string, Profile>> = {
  '6.1': {
    flags: { signal: SIGNAL, subflow: SUBFLOW, backup: BACKUP, fullmesh: FULLMESH },
    refusesIdZero: false,
    namesListeners: false,
    namesFlags: false,
  },
  latest: {
    flags: {
      ...{ signal: SIGNAL, subflow: SUBFLOW, backup: BACKUP, fullmesh: FULLMESH },
      ...{ implicit: IMPLICIT, laminar: LAMINAR },
    },
    refusesIdZero: true,
    namesListeners: true,
    namesFlags: true,
  },
};

/** Bits of the flags that commands check. */
export const FLAG_BITS = { SIGNAL, BACKUP, FULLMESH } as const;
