import { setUp } from './drop-in/setup';

export type { Address, MptcpInfo, TcpInfo } from '../types/native';
export type { SocketAddress, SubflowReference } from './base/addresses';
export { AbortError, MptcpError, type MptcpErrorCode } from './base/errors';
export type { EventStream, EventStreamOptions, OverrunEvent } from './base/event-stream';
export type { Connection, ConnectionStatus } from './connection/connection';
export { connectionOf, type SocketLike } from './connection/connection-of';
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
export type { AnnouncedAddress, ConnectionSubflowOptions } from './connection/paths';
export type { Subflow } from './connection/subflow';
export { enable } from './drop-in/enable';
export type {
  Endpoint,
  EndpointFlags,
  EndpointOptions,
  EndpointReference,
  FirstSubflow,
  FollowEvent,
  FollowOptions,
} from './endpoints/endpoint';
export type { Endpoints } from './endpoints/endpoints';
export type { FollowedEndpoints } from './endpoints/followed';
export type { Limits, LimitValues } from './endpoints/limits';
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
  NetworkInterface,
  NetworkLink,
  NetworkNextHop,
  NetworkRoute,
  WatchInterfacesOptions,
} from './interfaces/interface';
export type { InterfaceEvents, Interfaces } from './interfaces/interfaces';
export type { Counters } from './kernel/counters';
export type {
  ConnectionFilter,
  ConnectionsOptions,
  ConnectionSubflow,
  NamespaceConnection,
  TcpState,
} from './kernel/sock-diag';
export type { SysctlName, Sysctls, SysctlValues, WritableSysctl } from './kernel/sysctls';
export type { BehindLoadBalancer, LoadBalancerOptions } from './path-manager/load-balancer';
export { PathManager, type PathManagerOptions } from './path-manager/path-manager';
export {
  differences,
  parseLog,
  type PolicyLog,
  type PolicyLogDifference,
  type PolicyLogEntry,
  type PolicyLogHeader,
  replay,
} from './policy/engine/log';
export type { DarkPath } from './policy/manage/dark-paths';
export type { ManageOptions } from './policy/manage/manage-options';
export type { ManagedPolicy, ManagedPolicyEvents } from './policy/manage/managed-policy';
export * as policies from './policy/policies/index';
export type {
  BackupOptions,
  DataCapOptions,
  HandoverOptions,
  HealOptions,
  InteractiveOptions,
  InterfaceMatch,
  PerInterfaceOptions,
  SignalAllOptions,
} from './policy/policies/index';
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
export { type Capabilities, capabilities } from './sockets/capabilities';
export type { MptcpMode, MptcpOptions, WithMptcpOptions } from './sockets/options';
export type {
  ModeControl,
  ModeOwner,
  ModeState,
  PathManagerMode,
  SetModeOptions,
} from './userspace/mode';
export type {
  AnnounceOptions,
  ConnectionAddresses,
  CreateSubflowOptions,
  SubflowLocal,
} from './userspace/userspace';

setUp(); // so that a Connection is remembered when it closes, and a cluster's primary may import this alone
