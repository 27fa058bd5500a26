/**
 * What a policy is given and what it answers: plain data, so that a log of it can be replayed. See
 * docs/policies.md.
 */
import type { Address } from '../../types/native';
import type { OverrunEvent } from '../base/event-stream';
import type { EndpointOptions } from '../endpoints/endpoint';
import type {
  AnnouncedEvent,
  ClosedEvent,
  EstablishedEvent,
  RemovedEvent,
  SubflowClosedEvent,
  SubflowEstablishedEvent,
  SubflowEventBase,
  SubflowPriorityEvent,
} from '../events/events';
import type { InterfaceEvent, NetworkInterface } from '../interfaces/interface';

/** What a subflow carries, of TCP_INFO: of the process's own connections alone. */
export interface PathProgress {
  local: Address;
  remote: Address;
  /** TCP_* (include/net/tcp_states.h) */
  state: number;
  /** Microseconds. */
  rtt: number;
  rttvar: number;
  rto: number;
  /** Packets. */
  unacked: number;
  /** Bytes that the peer has room for, as it last said. */
  sndWnd?: number;
  /** Milliseconds since something was acknowledged, and since anything came or went. */
  lastAckRecv: number;
  lastDataSent: number;
  lastDataRecv: number;
  /** Time-outs in a row without an acknowledgement. */
  retransmits: number;
  /** Since the subflow began. */
  bytesSent: number;
  bytesAcked: number;
  bytesReceived: number;
  totalRetrans: number;
  dataSegsOut: number;
}

/** A subflow as the engine knows it. */
export interface PathView extends Omit<SubflowEventBase, 'source' | 'token'> {
  /** The name of the interface that has the local address; absent: none has it now. */
  readonly interface?: string;
  /** An interface had the local address, and none has it now. */
  readonly addressGone?: boolean;
  /** This side asked for it to be used when no other can be; from the asking on. */
  readonly backup: boolean;
  /** The peer asked for that. */
  readonly peerBackup: boolean;
  /** Since when `backup` is as it is. */
  readonly backupSince: number;
  /** This side opened it. */
  readonly opened: boolean;
  /** The local port of another path, still there, between the same addresses: one of the two goes. */
  readonly insteadOf?: number;
  /** Why this side is destroying it; absent: it is not. */
  readonly closing?: string;
  /** On the engine's clock, as every time here. */
  readonly since: number;
  /** As last looked at, where the policy wants `progress`. */
  readonly progress?: PathProgress;
  /** When `progress` was looked at. */
  readonly lookedAt?: number;
  /** The share of packets that were sent again, smoothed over some 50 packets. */
  readonly loss?: number;
  /**
   * Since when something is on its way and nothing at all came back; absent: nothing is, or it does.
   */
  readonly silentSince?: number;
  /** How many looks in a row found that. */
  readonly silentLooks?: number;
  /** What is on its way was being acknowledged; absent: it is the first after a pause. */
  readonly silentAmid?: boolean;
}

/** A path that was there and is gone, and for which no other one has come. */
export interface LostView {
  readonly local: string;
  readonly remote: { readonly address: string; readonly port: number };
  readonly backup: boolean;
  /** This side had opened it. */
  readonly opened: boolean;
  readonly at: number;
  /** Why this side destroyed it; absent: the peer or the kernel did. */
  readonly reason?: string;
  /** As errno(3) names it. */
  readonly error?: string;
}

/** A subflow that was asked for, and of which the kernel has not said yet what became of it. */
export interface OpeningView {
  readonly local: string;
  readonly remote: { readonly address: string; readonly port: number };
  readonly backup: boolean;
  readonly since: number;
  /** The local port of a path between these addresses, as it was asked for. */
  readonly insteadOf?: number;
}

/** How often it failed, in a row, to make a subflow between two addresses, or to keep it for long. */
export interface FailureView {
  readonly local: string;
  readonly remote: { readonly address: string; readonly port: number };
  readonly count: number;
  readonly at: number;
  /** Not tried again before: 250 ms at first, doubled each time up to 3.5 s. */
  readonly retryAt: number;
  /** As errno(3) names it. */
  readonly error?: string;
}

export interface ConnectionView {
  readonly token: number;
  /** Of the first subflow, also when that is gone. */
  readonly local: Address;
  readonly remote: Address;
  readonly serverSide: boolean;
  /** The peer allows no more subflows to its first address and port, or it is not known whether. */
  readonly denyJoinId0: boolean;
  /** A connection of this process. */
  readonly own: boolean;
  readonly since: number;
  /** Those that are connected. */
  readonly paths: readonly PathView[];
  readonly opening: readonly OpeningView[];
  readonly failures: readonly FailureView[];
  readonly lost: readonly LostView[];
  /** The peer's announced addresses by their ids. */
  readonly announced: ReadonlyMap<number, { readonly address: string; readonly port?: number }>;
  /** Those that this side has announced, from the asking on. */
  readonly announcing: readonly { readonly address: string; readonly port?: number }[];
}

export interface PolicyLimits {
  /** Subflows of a connection beyond the first, those that are being opened included. */
  readonly subflows: number;
  /** Addresses that a connection announces. */
  readonly addresses: number;
}

/** Everything a policy may look at. It changes nothing of it. */
export interface PolicyView {
  /** Milliseconds since the engine began. */
  readonly now: number;
  readonly limits: PolicyLimits;
  readonly interfaces: readonly NetworkInterface[];
  /** By name: the app said that they will be lost soon. Until it says otherwise, or one is back. */
  readonly leaving: ReadonlySet<string>;
  /** By token; those alone that the policy is to manage. */
  readonly connections: ReadonlyMap<number, ConnectionView>;
  /** Bytes that went over each interface, both ways, by its name: where `progress` is wanted. */
  readonly usage: ReadonlyMap<string, number>;
  /** Whether the policies that this one is joined with permit an action; absent: it is alone. */
  readonly permits?: (action: PathAction) => boolean;
}

/** What a policy is told after the view has changed by it. */
export type PolicyEvent =
  | { readonly type: 'begin'; readonly interfaces: readonly NetworkInterface[] }
  | (EstablishedEvent & { readonly own: boolean })
  | ClosedEvent
  | AnnouncedEvent
  | RemovedEvent
  | SubflowEstablishedEvent
  | SubflowClosedEvent
  | SubflowPriorityEvent
  | Exclude<InterfaceEvent, OverrunEvent>
  /** The app said that an interface will be lost soon, or that it stays after all. */
  | { readonly type: 'leaving' | 'staying'; readonly interface: string }
  | {
      readonly type: 'progress';
      readonly token: number;
      readonly paths: readonly PathProgress[];
    }
  /** The kernel took an action, or refused it. */
  | { readonly type: 'applied'; readonly action: PathAction }
  | {
      readonly type: 'refused';
      readonly action: PathAction;
      /** ERR_MPTCP_* */
      readonly code: string;
      /** As errno(3) names it. */
      readonly error?: string;
      /** The kernel's own words. */
      readonly extack?: string;
    }
  /** The time that a `wake` asked for, or the end of a back-off, has come. */
  | { readonly type: 'woken' };

interface OnConnection {
  readonly token: number;
  /** Why, for whoever reads the log. */
  readonly reason: string;
}

interface OnSubflow extends OnConnection {
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
}

export interface CreateSubflowAction extends OnConnection {
  readonly type: 'createSubflow';
  readonly local: { readonly address: string; readonly interface?: string };
  readonly remote: { readonly address: string; readonly port: number };
  readonly backup?: boolean;
  /** How many subflows there may be between these two addresses, this one included (1). */
  readonly most?: number;
  /** The local port of a path between these addresses whose place it is to take: the view has it. */
  readonly insteadOf?: number;
}

export interface DestroySubflowAction extends OnSubflow {
  readonly type: 'destroySubflow';
  /** Also where no other path is there: the connection then waits for the next one. */
  readonly last?: boolean;
}

/**
 * Gives up a subflow that is being opened: what is in SYN_SENT between these addresses is destroyed.
 * The engine does that by itself for one that takes 6.5 s, or whose local address goes.
 */
export interface AbandonSubflowAction extends OnConnection {
  readonly type: 'abandonSubflow';
  readonly local: { readonly address: string };
  readonly remote: { readonly address: string; readonly port: number };
}

export interface SetBackupAction extends OnSubflow {
  readonly type: 'setBackup';
  readonly backup: boolean;
}

export interface AnnounceAction extends OnConnection {
  readonly type: 'announce';
  readonly address: string;
  readonly port?: number;
}

export interface WithdrawAction extends OnConnection {
  readonly type: 'withdraw';
  readonly address: string;
  readonly port?: number;
}

/** Tells a `woken`, at the engine's time `at` or a little later. */
export interface WakeAction {
  readonly type: 'wake';
  readonly at: number;
}

export type PathAction =
  | CreateSubflowAction
  | DestroySubflowAction
  | AbandonSubflowAction
  | SetBackupAction
  | AnnounceAction
  | WithdrawAction;
export type PolicyAction = PathAction | WakeAction;

/** What is to be done for the paths of connections. */
export interface PathPolicy {
  readonly name: string;
  /** Milliseconds between two looks at what the paths carry; absent: it does not matter. */
  readonly progress?: number;
  /**
   * A function of what it is given and nothing else: no clock, no chance, no memory of its own. It
   * says what is wanted as often as it likes: the engine leaves out what is there or on its way,
   * what goes beyond the limits, and what failed a moment ago (then `woken` comes in time).
   */
  decide(view: PolicyView, event: PolicyEvent): readonly PolicyAction[];
  /** Whether another policy that it is joined with may do this; absent: everything. */
  permits?(view: PolicyView, action: PathAction): boolean;
  /** What comes closest under the in-kernel path manager; absent: nothing does. */
  endpoints?(view: Pick<PolicyView, 'interfaces' | 'leaving'>): readonly EndpointOptions[];
}
