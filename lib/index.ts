export { type Capabilities, capabilities } from './capabilities';
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
} from './connection';
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
} from './connection-events';
export { enable } from './enable';
export type {
  ConnectionFilter,
  ConnectionsOptions,
  ConnectionSubflow,
  NamespaceConnection,
  TcpState,
} from './connections';
export type { Counters } from './counters';
export type {
  Endpoint,
  EndpointFlags,
  EndpointOptions,
  EndpointReference,
  Endpoints,
  FirstSubflow,
} from './endpoints';
export { AbortError, MptcpError, type MptcpErrorCode } from './errors';
export type { EventStream, EventStreamOptions, Overrun } from './event-stream';
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
} from './events';
export type { FollowedEndpoints, FollowEvent, FollowOptions } from './followed-endpoints';
export type {
  HintName,
  HintResult,
  HintValue,
  Intent,
  KeepAlive,
  PathHints,
  SchedulingHints,
} from './hints';
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
} from './interfaces';
export type { Limits, LimitValues } from './limits';
export type { BehindLoadBalancer, LoadBalancerOptions } from './load-balancer';
export type { Mode, ModeOwner, ModeState, PathManagerMode, SetModeOptions } from './mode';
export type { MptcpMode, MptcpOptions, WithMptcpOptions } from './options';
export { PathManager, type PathManagerOptions } from './path-manager';
export type { DarkPath } from './policy/dark-paths';
export type { ManageOptions } from './policy/manage-options';
export type { ManagedPolicy, ManagedPolicyEvents } from './policy/managed-policy';
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
export * as policies from './policy/policies';
export {
  differences,
  parseLog,
  type PolicyLog,
  type PolicyLogDifference,
  type PolicyLogEntry,
  type PolicyLogHeader,
  replay,
} from './policy/log';
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
export type { SysctlName, Sysctls, SysctlValues, WritableSysctl } from './sysctls';
export type {
  AnnounceOptions,
  ConnectionAddresses,
  CreateSubflowOptions,
  SocketAddress,
  SubflowLocal,
  SubflowReference,
} from './userspace';
