/**
 * The door `mptcp`: the path manager, connections, policies and all public types. What is not
 * needed at once is loaded when it is first used.
 */
import { lazily } from './base/lazy';
import { setUp } from './drop-in/setup';
import type * as Policies from './policy/policies';

export type { Address, MptcpInfo, TcpInfo } from '../types/native';
export type { SocketAddress, SubflowReference } from './base/addresses';
export { AbortError, MptcpError, type MptcpErrorCode } from './base/errors';
export type { EventStream, EventStreamOptions, OverrunEvent } from './base/event-stream';
export type { Connection, ConnectionStatus } from './connection/connection';
export type { SocketLike } from './connection/connection-of';
export type {
  ConnectionAnnouncedEvent,
  ConnectionClosedEvent,
  ConnectionEvent,
  ConnectionEventSourceName,
  ConnectionFallbackEvent,
  ConnectionRemovedEvent,
  ConnectionSample,
  ConnectionSubflowClosedEvent,
  ConnectionSubflowEstablishedEvent,
  ConnectionSubflowPriorityEvent,
  EventSubflow,
  PathSample,
  WatchOptions,
} from './connection/events';
export type {
  AnnouncedAddress,
  ConnectionSubflowLocal,
  ConnectionSubflowOptions,
} from './connection/paths';
export type { Subflow } from './connection/subflow';
export type {
  BugReport,
  CheckResult,
  DoctorOptions,
  DoctorReport,
  Evidence,
  Finding,
  Severity,
  SkippedCheck,
} from './doctor/report';
export type {
  Endpoint,
  EndpointAddress,
  EndpointFlags,
  EndpointOptions,
  EndpointReference,
  FirstSubflow,
  FollowAddedEvent,
  FollowEvent,
  FollowOptions,
  FollowRefusedEvent,
  FollowRemovedEvent,
  FollowUpdatedEvent,
} from './endpoints/endpoint';
export type { Endpoints } from './endpoints/endpoints';
export type { FollowedEndpoints } from './endpoints/followed';
export type { Limits, LimitValues } from './endpoints/limits';
export type {
  AddEndpointCommand,
  DeleteEndpointCommand,
  FlushEndpointsCommand,
  PathManagerCommand,
  RawEndpoint,
  SetEndpointFlagsCommand,
  SetLimitsCommand,
} from './endpoints/raw-command';
export type {
  AnnouncedEvent,
  ClosedEvent,
  CreatedEvent,
  EstablishedEvent,
  EventsOptions,
  EventSourceName,
  ListenerClosedEvent,
  ListenerCreatedEvent,
  PathManagerEvent,
  RemovedEvent,
  ResetReason,
  SubflowClosedEvent,
  SubflowEstablishedEvent,
  SubflowPriorityEvent,
  SubflowReset,
  UnknownEvent,
} from './events/events';
export type { PathManagerEvents } from './events/stream';
export type {
  HintName,
  HintResult,
  HintValue,
  Intent,
  KeepAlive,
  PathHints,
  SchedulingHints,
} from './hints/hints';
export type {
  InterfaceEvent,
  NetworkAddress,
  NetworkAddressEvent,
  NetworkInterface,
  NetworkLink,
  NetworkLinkEvent,
  NetworkNextHop,
  NetworkRoute,
  NetworkRouteEvent,
  WatchInterfacesOptions,
} from './interfaces/interface';
export type { InterfaceEvents, Interfaces } from './interfaces/interfaces';
export type { TcpState } from './kernel/constants';
export type { Counters } from './kernel/counters';
export type {
  ConnectionFilter,
  ConnectionsOptions,
  ConnectionSubflow,
  NamespaceConnection,
} from './kernel/sock-diag';
export type { SysctlName, Sysctls, SysctlValues, WritableSysctl } from './kernel/sysctls';
export type { BehindLoadBalancer, LoadBalancerOptions } from './path-manager/load-balancer';
export { PathManager, type PathManagerOptions } from './path-manager/path-manager';
export type {
  PolicyLog,
  PolicyLogDifference,
  PolicyLogEntry,
  PolicyLogHeader,
} from './policy/engine/log';
export type { DarkPath } from './policy/manage/dark-paths';
export type { ManageOptions } from './policy/manage/manage-options';
export type { ManagedPolicy, ManagedPolicyEvents } from './policy/manage/managed-policy';
export type {
  BackupOptions,
  DataCapOptions,
  HandoverOptions,
  HealOptions,
  InteractiveOptions,
  InterfaceMatch,
  PerInterfaceOptions,
  SignalAllOptions,
} from './policy/policies';
export type {
  AbandonSubflowAction,
  AnnounceAction,
  ConnectionView,
  CreateSubflowAction,
  DestroySubflowAction,
  FailureView,
  LostView,
  OpeningView,
  PathAction,
  PathPolicy,
  PathProgress,
  PathView,
  PolicyAction,
  PolicyEvent,
  PolicyLimits,
  PolicyView,
  SetBackupAction,
  WakeAction,
  WithdrawAction,
} from './policy/policy';
export type { Capabilities } from './sockets/capabilities';
export type { GiveUp } from './sockets/give-up';
export type { MptcpMode, MptcpOptions, WithMptcpOptions } from './sockets/options';
export type {
  ModeControl,
  ModeOwner,
  ModeState,
  PathManagerMode,
  SetModeOptions,
} from './userspace/mode';
export type {
  Announcement,
  AnnounceOptions,
  ConnectionAddresses,
  CreateSubflowOptions,
  SubflowLocal,
} from './userspace/userspace';

// A Connection is remembered when it closes, and a cluster's primary may import this door alone.
setUp();

/**
 * Returns all that doctor() has read and found, without addresses, host names and the words of command
 * lines, to be attached to a report of a bug: see docs/doctor.md.
 */
export const bugReport = lazily(
  () => (require('./doctor/bug-report') as typeof import('./doctor/bug-report')).bugReport,
);

/** Asks the kernel what this machine can do: see {@link Capabilities}. */
export const capabilities = lazily(
  () => (require('./sockets/capabilities') as typeof import('./sockets/capabilities')).capabilities,
);

/** Returns the one {@link Connection} of a socket. A TypeError for what never had a socket. */
export const connectionOf = lazily(
  () =>
    (require('./connection/connection-of') as typeof import('./connection/connection-of'))
      .connectionOf,
);

/**
 * Finds faults of a set-up, with what was read and the command that mends each, and changes nothing:
 * see docs/doctor.md.
 */
export const doctor = lazily(
  () => (require('./doctor/doctor') as typeof import('./doctor/doctor')).doctor,
);

/**
 * Turns MPTCP on for a server, a socket or an HTTP agent that was made elsewhere (by fastify, express,
 * ws …), before it listens or connects, and returns it. ERR_INVALID_STATE where it listens or connects
 * already.
 */
export const enable = lazily(
  () => (require('./drop-in/enable') as typeof import('./drop-in/enable')).enable,
);

/**
 * Calls a function and returns its result: what connects or listens inside, also later in what it
 * awaits or in its callbacks and timers, speaks MPTCP as the options say.
 */
export const withMptcp = lazily(
  () => (require('./drop-in/with-mptcp') as typeof import('./drop-in/with-mptcp')).withMptcp,
);

const log = (): typeof import('./policy/engine/log') =>
  require('./policy/engine/log') as typeof import('./policy/engine/log');

/** Reads a policy's log. A last line that was cut off, as by a crash, is left out. */
export const parseLog = lazily(() => log().parseLog);

/** Lets a policy decide on the events of a log: the same policy does the same on the same log. */
export const replay = lazily(() => log().replay);

/** Lists where a replay does something else than the log says, in order. */
export const differences = lazily(() => log().differences);

const load = (): typeof Policies => require('./policy/policies') as typeof Policies;

/** The policies that {@link PathManager.manage} runs, loaded when one is first used. */
export const policies: typeof Policies = {
  get aggregate() {
    return load().aggregate;
  },
  get all() {
    return load().all;
  },
  get backup() {
    return load().backup;
  },
  get dataCap() {
    return load().dataCap;
  },
  get fullmesh() {
    return load().fullmesh;
  },
  get handover() {
    return load().handover;
  },
  get heal() {
    return load().heal;
  },
  get interactive() {
    return load().interactive;
  },
  get ndiffports() {
    return load().ndiffports;
  },
  get perInterface() {
    return load().perInterface;
  },
  get signalAll() {
    return load().signalAll;
  },
};
