export { type Capabilities, capabilities } from './sockets/capabilities';
export {
  type AddSubflowOptions,
  type Address,
  type AnnouncedAddress,
  type Connection,
  connectionOf,
  type ConnectionStatus,
  type MptcpInfo,
  type SocketLike,
  type Subflow,
  type TcpInfo,
} from './connection/connection';
export type {
  AddressAnnounced,
  AddressRemoved,
  ConnectionClosed,
  ConnectionEvent,
  ConnectionEventSourceName,
  EventSubflow,
  FellBack,
  PathSample,
  PriorityChanged,
  Sample,
  SubflowGone,
  SubflowOpened,
  WatchOptions,
} from './connection/events';
export { enable } from './drop-in/enable';
export type {
  ConnectionFilter,
  ConnectionsOptions,
  ConnectionSubflow,
  NamespaceConnection,
  TcpState,
} from './kernel/sock-diag';
export type { Counters } from './kernel/counters';
export type {
  Endpoint,
  EndpointFlags,
  EndpointOptions,
  EndpointReference,
  Endpoints,
  FirstSubflow,
} from './endpoints/endpoints';
export { AbortError, MptcpError, type MptcpErrorCode } from './base/errors';
export type { EventStream, EventStreamOptions, Overrun } from './base/event-stream';
export type {
  Announced,
  Closed,
  Created,
  Established,
  EventsOptions,
  EventSourceName,
  ListenerClosed,
  ListenerCreated,
  PathManagerEvent,
  PathManagerEvents,
  Removed,
  Reset,
  ResetReason,
  SubflowClosed,
  SubflowEstablished,
  SubflowPriority,
  Unknown,
} from './events/stream';
export type { FollowedEndpoints, FollowEvent, FollowOptions } from './endpoints/followed';
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
  Interface,
  InterfaceAddress,
  InterfaceEvent,
  InterfaceEvents,
  Interfaces,
  Link,
  NextHop,
  Route,
  WatchInterfacesOptions,
} from './interfaces/interfaces';
export type { Limits, LimitValues } from './endpoints/limits';
export type { BehindLoadBalancer, LoadBalancerOptions } from './path-manager/load-balancer';
export type { Mode, ModeOwner, ModeState, PathManagerMode, SetModeOptions } from './userspace/mode';
export type { MptcpMode, MptcpOptions, WithMptcpOptions } from './sockets/options';
export { PathManager, type PathManagerOptions } from './path-manager/path-manager';
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
} from './policy/policies/index';
export * as policies from './policy/policies/index';
export {
  differences,
  parseLog,
  type PolicyLog,
  type PolicyLogDifference,
  type PolicyLogEntry,
  type PolicyLogHeader,
  replay,
} from './policy/engine/log';
export type {
  AbandonSubflow,
  Announce,
  ConnectionView,
  CreateSubflow,
  DestroySubflow,
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
  SetBackup,
  Wake,
  Withdraw,
} from './policy/policy';
export type { SysctlName, Sysctls, SysctlValues, WritableSysctl } from './kernel/sysctls';
export type {
  AnnounceOptions,
  ConnectionAddresses,
  CreateSubflowOptions,
  SocketAddress,
  SubflowLocal,
  SubflowReference,
} from './userspace/userspace';
