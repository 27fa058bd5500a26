/**
 * The contract between a policy and the engine: what a policy is given (the view and an event) and
 * what it answers (actions). All of it is plain data, so that a log of it can be replayed.
 * docs/policies.md is the guide. Every time is in milliseconds on the engine's clock, which starts
 * at 0 with the engine.
 */
import type { Address } from '../../types/native';
import type { SocketAddress } from '../base/addresses';
import type { OverrunEvent } from '../base/event-stream';
import type { AnnouncedAddress } from '../connection/paths';
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

/**
 * One poll of a subflow's TCP_INFO (struct tcp_info, include/uapi/linux/tcp.h). Only connections of
 * this process can be polled.
 */
export interface PathProgress {
  /** The local address and port of the subflow. */
  local: Address;
  /** The remote address and port of the subflow. */
  remote: Address;
  /** The TCP state: a TCP_* number of include/net/tcp_states.h. */
  state: number;
  /** The smoothed round-trip time, in microseconds. */
  rtt: number;
  /** The mean deviation of the round-trip time, in microseconds. */
  rttvar: number;
  /** The retransmission time-out, in microseconds, with its exponential back-off. */
  rto: number;
  /** Packets that were sent and are not acknowledged. */
  unacked: number;
  /** The peer's receive window, in bytes, as last advertised; absent where the kernel does not report it. */
  sndWnd?: number;
  /** Milliseconds since an acknowledgement last arrived. */
  lastAckRecv: number;
  /** Milliseconds since data were last sent. */
  lastDataSent: number;
  /** Milliseconds since data last arrived. */
  lastDataRecv: number;
  /** Consecutive retransmission time-outs without an acknowledgement. */
  retransmits: number;
  /** Payload bytes sent since the subflow began, retransmissions included. */
  bytesSent: number;
  /** Payload bytes that the peer acknowledged since the subflow began. */
  bytesAcked: number;
  /** Payload bytes received since the subflow began. */
  bytesReceived: number;
  /** Packets retransmitted since the subflow began. */
  totalRetrans: number;
  /** Data packets sent since the subflow began, retransmissions included. */
  dataSegsOut: number;
}

/**
 * A connected subflow as the engine knows it. `progress` and what is derived from it are absent
 * unless the policy asks for `progress` and the connection is this process's own.
 */
export interface PathView extends Omit<SubflowEventBase, 'source' | 'token'> {
  /** The name of the interface that has the local address; absent while no interface has it. */
  readonly interface?: string;
  /** True while no interface has the local address although one had it before; otherwise absent. */
  readonly addressGone?: boolean;
  /** This side sends on it only when no regular path can be used; set when this side requests it. */
  readonly backup: boolean;
  /** The peer requested by MP_JOIN or MP_PRIO that it is used as a backup (RFC 8684, 3.3.8). */
  readonly peerBackup: boolean;
  /** When `backup` got its present value. */
  readonly backupSince: number;
  /** This side opened it. */
  readonly opened: boolean;
  /**
   * The local port of another path between the same addresses that this one was opened to replace;
   * absent where there is no such path, or once it has closed.
   */
  readonly insteadOf?: number;
  /** The reason for which this side is destroying it; absent while it stays. */
  readonly closing?: string;
  /** When it was established. */
  readonly since: number;
  /** What the last poll found. */
  readonly progress?: PathProgress;
  /** When the last poll took place. */
  readonly polledAt?: number;
  /** The share of packets that were retransmitted (0 to 1), smoothed over some 50 packets. */
  readonly loss?: number;
  /** Since when data wait and nothing at all arrives; absent while data do not wait or something arrives. */
  readonly silentSince?: number;
  /** How many consecutive polls found this silence. */
  readonly silentPolls?: number;
  /**
   * True where the waiting data follow data that were acknowledged without a pause; absent where
   * they are the first after a pause.
   */
  readonly midStream?: boolean;
}

/** A path that has closed, and that no other path between its addresses has replaced yet. */
export interface LostView {
  /** The local address. */
  readonly local: string;
  /** The remote address and port. */
  readonly remote: Readonly<SocketAddress>;
  /** This side used it as a backup. */
  readonly backup: boolean;
  /** This side had opened it. */
  readonly opened: boolean;
  /** When it closed. */
  readonly at: number;
  /** The reason for which this side destroyed it; absent where the peer or the kernel closed it. */
  readonly reason?: string;
  /** The errno name (errno(3)) that the kernel reported; absent where it reported none. */
  readonly error?: string;
}

/** A subflow that was requested, and whose outcome the kernel has not reported yet. */
export interface OpeningView {
  /** The local address. */
  readonly local: string;
  /** The remote address and port. */
  readonly remote: Readonly<SocketAddress>;
  /** It was requested as a backup. */
  readonly backup: boolean;
  /** When it was requested. */
  readonly since: number;
  /** The local port of the path that it is to replace; absent where it replaces none. */
  readonly insteadOf?: number;
}

/**
 * Failures between two addresses: attempts without success, and paths that closed. A path that lived
 * for 10 s begins a new count.
 */
export interface FailureView {
  /** The local address. */
  readonly local: string;
  /** The remote address and port. */
  readonly remote: Readonly<SocketAddress>;
  /** How many failures there were in a row, 1 or more. */
  readonly count: number;
  /** When the last failure was. */
  readonly at: number;
  /**
   * The engine admits no attempt before: 250 ms at first, doubled each time up to 3.5 s; up to 10 minutes
   * where nothing ever came from the remote address; 30 s, doubled up to 10 minutes, where the peer refuses
   * it: from all local addresses, unless a subflow to the remote address was established before.
   */
  readonly retryAt: number;
  /** The errno name (errno(3)) of the last failure; absent where none was reported. */
  readonly error?: string;
}

/** An established MPTCP connection that the policy manages. */
export interface ConnectionView {
  /** The kernel's identifier of the connection in its network namespace. */
  readonly token: number;
  /** The local address and port of the first subflow, also after that subflow has closed. */
  readonly local: Address;
  /** The remote address and port of the first subflow, also after that subflow has closed. */
  readonly remote: Address;
  /** This side accepted the connection. */
  readonly serverSide: boolean;
  /**
   * The peer allows no more subflows to its first address and port (the C flag of RFC 8684, 3.1), has
   * withdrawn the address id 0, or the kernel does not report which of this holds.
   */
  readonly denyJoinId0: boolean;
  /** The connection belongs to this process. */
  readonly own: boolean;
  /** When the engine received its `established` event. */
  readonly since: number;
  /** The subflows that are connected, those that are being destroyed (`closing`) included. */
  readonly paths: readonly PathView[];
  /** The subflows that were requested and are not connected yet. */
  readonly opening: readonly OpeningView[];
  /** The pairs of addresses between which a subflow failed and none is connected since. */
  readonly failures: readonly FailureView[];
  /** The paths that closed and were not replaced, oldest first; at most 64. */
  readonly lost: readonly LostView[];
  /** The addresses that the peer announces (ADD_ADDR, RFC 8684, 3.4.1), by their ids: the last 32. */
  readonly announced: ReadonlyMap<number, Readonly<AnnouncedAddress>>;
  /** The addresses that this side announces; each is listed as soon as this side requests it. */
  readonly announcing: readonly Readonly<AnnouncedAddress>[];
}

/** What the engine admits for each connection. */
export interface PolicyLimits {
  /** The most subflows beside the first, those that are being opened included: 0 to 255 (8). */
  readonly subflows: number;
  /** The most addresses that this side announces: 0 to 255 (8). */
  readonly addresses: number;
}

/** Everything that a policy may decide on. A policy must not change it. */
export interface PolicyView {
  /** Milliseconds since the engine began. */
  readonly now: number;
  /** What the engine admits for each connection. */
  readonly limits: PolicyLimits;
  /** The interfaces of this host with their addresses. */
  readonly interfaces: readonly NetworkInterface[];
  /**
   * The names of the interfaces that the app said will be lost soon; an interface stays listed until
   * the app says that it stays, or until its link has gone down and is running again.
   */
  readonly leaving: ReadonlySet<string>;
  /** The connections that the policy manages, by token. */
  readonly connections: ReadonlyMap<number, ConnectionView>;
  /** Bytes that polled paths sent and received over each interface, by its name; empty without `progress`. */
  readonly usage: ReadonlyMap<string, number>;
  /** Whether the policies that this one is joined with by all() permit an action; absent: it is alone. */
  readonly permits?: (action: PathAction) => boolean;
}

/** What an event may be about: all connections, or some of them. */
export interface SomeConnections {
  /**
   * The tokens of the connections that the policy is to decide on now; absent: all. A policy with
   * `perConnection` receives what concerns many connections in parts, the later ones by `woken`.
   */
  readonly tokens?: readonly number[];
}

/** What happened. The view that comes with an event already reflects it. */
export type PolicyEvent =
  | (SomeConnections & {
      /** The engine begins; this is the first event. */
      readonly type: 'begin';
      /** The interfaces of this host with their addresses. */
      readonly interfaces: readonly NetworkInterface[];
    })
  | (EstablishedEvent & {
      /** The connection belongs to this process. */
      readonly own: boolean;
    })
  | ClosedEvent
  | AnnouncedEvent
  | RemovedEvent
  | SubflowEstablishedEvent
  | SubflowClosedEvent
  | SubflowPriorityEvent
  | (SomeConnections & Exclude<InterfaceEvent, OverrunEvent>)
  | (SomeConnections & {
      /** The app said that an interface will be lost soon, or that it stays after all. */
      readonly type: 'leaving' | 'staying';
      /** The name of the interface. */
      readonly interface: string;
    })
  | {
      /** The paths of a connection were polled. */
      readonly type: 'progress';
      /** The connection. */
      readonly token: number;
      /** One entry for each subflow of the connection. */
      readonly paths: readonly PathProgress[];
    }
  | {
      /** The kernel carried out an action. */
      readonly type: 'applied';
      /** The action. */
      readonly action: PathAction;
    }
  | {
      /** The kernel refused an action. */
      readonly type: 'refused';
      /** The action. */
      readonly action: PathAction;
      /** The code of the MptcpError: ERR_MPTCP_*. */
      readonly code: string;
      /** The errno name (errno(3)); absent where the error has none. */
      readonly error?: string;
      /** The kernel's own error text (the netlink extended acknowledgement); absent where it sent none. */
      readonly extack?: string;
    }
  | (SomeConnections & {
      /** The time of a `wake` action, or the end of a back-off of the connections, has come. */
      readonly type: 'woken';
    });

interface ConnectionAction {
  /** The connection that the action is for. */
  readonly token: number;
  /** Why the policy requests it, for the reader of the log. */
  readonly reason: string;
}

interface SubflowAction extends ConnectionAction {
  /** The local address and port of the subflow. */
  readonly local: Readonly<SocketAddress>;
  /** The remote address and port of the subflow. */
  readonly remote: Readonly<SocketAddress>;
}

/** Opens a subflow. The engine drops the request where `max` or a limit is reached. */
export interface CreateSubflowAction extends ConnectionAction {
  /** The kind of the action. */
  readonly type: 'createSubflow';
  /** Where the subflow begins; the kernel chooses the port. */
  readonly local: {
    /** The local address. */
    readonly address: string;
    /** The name of the interface to bind to; absent: the kernel routes by the address. */
    readonly interface?: string;
  };
  /** The remote address and port to connect to. */
  readonly remote: Readonly<SocketAddress>;
  /** Whether both sides are to use it as a backup (false). */
  readonly backup?: boolean;
  /** The most subflows between these two addresses, this one included: 1 to 255 (1). */
  readonly max?: number;
  /** The local port of a path between these addresses that it is to replace: see PathView. */
  readonly insteadOf?: number;
}

/** Closes a subflow. The engine drops the request for a connection's last path, unless `last`. */
export interface DestroySubflowAction extends SubflowAction {
  /** The kind of the action. */
  readonly type: 'destroySubflow';
  /** Whether the last path may be closed too (false): the connection then waits for another one. */
  readonly last?: boolean;
}

/**
 * Abandons the subflow that is being opened between two addresses: the sockets in SYN_SENT between
 * them are destroyed. The engine does so by itself where an attempt has no answer after 6.5 s, or
 * where its local address goes.
 */
export interface AbandonSubflowAction extends ConnectionAction {
  /** The kind of the action. */
  readonly type: 'abandonSubflow';
  /** Where the subflow begins. */
  readonly local: {
    /** The local address. */
    readonly address: string;
  };
  /** The remote address and port that it connects to. */
  readonly remote: Readonly<SocketAddress>;
}

/** Changes the priority of a subflow, for this side and by MP_PRIO for the peer (RFC 8684, 3.3.8). */
export interface SetBackupAction extends SubflowAction {
  /** The kind of the action. */
  readonly type: 'setBackup';
  /** Whether the subflow becomes a backup. */
  readonly backup: boolean;
}

/** Announces an address of this host to the peer (ADD_ADDR, RFC 8684, section 3.4.1). */
export interface AnnounceAction extends ConnectionAction {
  /** The kind of the action. */
  readonly type: 'announce';
  /** The address to announce. */
  readonly address: string;
  /** The port at which the peer is to join; absent: the port of the connection. */
  readonly port?: number;
}

/** Withdraws an address that was announced (REMOVE_ADDR, RFC 8684, section 3.4.2). */
export interface WithdrawAction extends ConnectionAction {
  /** The kind of the action. */
  readonly type: 'withdraw';
  /** The address to withdraw. */
  readonly address: string;
  /** The port that it was announced with; absent where it was announced without one. */
  readonly port?: number;
}

/** Requests a `woken` event at a time. */
export interface WakeAction {
  /** The kind of the action. */
  readonly type: 'wake';
  /** When, on the engine's clock; the event comes at this time or a few milliseconds later. */
  readonly at: number;
  /** The connection that is to be decided on then; absent: all. */
  readonly token?: number;
}

/** An action that changes the paths of one connection. */
export type PathAction =
  | CreateSubflowAction
  | DestroySubflowAction
  | AbandonSubflowAction
  | SetBackupAction
  | AnnounceAction
  | WithdrawAction;

/** What a policy may answer. */
export type PolicyAction = PathAction | WakeAction;

/** Decides which paths connections have: see pm.manage() and docs/policies.md. */
export interface PathPolicy {
  /** Names the policy in logs and warnings. */
  readonly name: string;
  /** Milliseconds between two polls of what the paths carry; absent: they are not polled. */
  readonly progress?: number;
  /**
   * Whether each connection is decided on by itself, and only those that an event is about (false).
   * What concerns many connections, such as the change of a link, is then spread over turns of the
   * event loop: the event's `tokens` name those that are to be decided on now.
   */
  readonly perConnection?: boolean;
  /**
   * Answers an event with the actions that the policy requests. It is a pure function of its
   * arguments: no clock, no random numbers, no memory of its own. It may request the same action
   * any number of times: the engine drops what is done or under way already, what exceeds the limits,
   * and what failed a moment ago (a `woken` event follows when that may be tried again).
   */
  decide(view: PolicyView, event: PolicyEvent): readonly PolicyAction[];
  /** Whether the policies that it is joined with by all() may do this; absent: they may do anything. */
  permits?(view: PolicyView, action: PathAction): boolean;
  /** The endpoints that come closest under the in-kernel path manager; absent: none do. */
  endpoints?(view: Pick<PolicyView, 'interfaces' | 'leaving'>): readonly EndpointOptions[];
}
