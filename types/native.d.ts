/**
 * The contract between native/binding and lib/internal/native.ts: every function of the addon, its
 * shapes, units and errors. Nothing here is public API; lib/ gives it its public form.
 *
 * Failures throw {@link NativeError}. A field that the running kernel does not report is absent.
 * Counters are numbers, exact to 9 PB. Functions that take a file descriptor run on the thread that
 * owns it and do not wait.
 */

export interface NativeError extends Error {
  /** Positive, as in errno(3). */
  errno: number;
  /** What failed: 'socket', 'getsockopt MPTCP_INFO', … */
  call: string;
  /** The kernel's own words (NLMSGERR_ATTR_MSG). */
  extack?: string;
}

export interface Address {
  /** Numeric; a v4-mapped address as IPv4, a link-local one with its `%interface`. */
  address: string;
  port: number;
  family: 'IPv4' | 'IPv6';
}

/** struct mptcp_info (include/uapi/linux/mptcp.h). */
export interface MptcpInfo {
  /** Subflows beyond the first. */
  subflows: number;
  addAddrSignal: number;
  addAddrAccepted: number;
  subflowsMax: number;
  addAddrSignalMax: number;
  addAddrAcceptedMax: number;
  /** MPTCP_INFO_FLAG_*: 1 fallback, 2 remote key received. */
  flags: number;
  /** Identifies the connection in this network namespace (RFC 8684 section 3.2). */
  token: number;
  /** Data sequence numbers, 64 bits in decimal. */
  writeSeq: string;
  sndUna: string;
  rcvNxt: string;
  localAddrUsed?: number;
  localAddrMax?: number;
  csumEnabled?: number;
  retransmits?: number;
  bytesRetrans?: number;
  bytesSent?: number;
  bytesReceived?: number;
  bytesAcked?: number;
  /** Subflows, the first included. */
  subflowsTotal?: number;
  /** Milliseconds since. */
  lastDataSent?: number;
  lastDataRecv?: number;
  lastAckRecv?: number;
}

/** struct tcp_info (include/uapi/linux/tcp.h). */
export interface TcpInfo {
  /** TCP_ESTABLISHED is 1 (include/net/tcp_states.h). */
  state: number;
  caState: number;
  retransmits: number;
  probes: number;
  backoff: number;
  options: number;
  /** Microseconds: rto, ato, rtt, rttvar, rcvRtt, minRtt, busyTime, rwndLimited, sndbufLimited. */
  rto: number;
  ato: number;
  sndMss: number;
  rcvMss: number;
  /** Packets: unacked, sacked, lost, retrans, sndSsthresh, sndCwnd, reordering. */
  unacked: number;
  sacked: number;
  lost: number;
  retrans: number;
  /** Milliseconds since. */
  lastDataSent: number;
  lastDataRecv: number;
  lastAckRecv: number;
  pmtu: number;
  rcvSsthresh: number;
  rtt: number;
  rttvar: number;
  sndSsthresh: number;
  sndCwnd: number;
  advmss: number;
  reordering: number;
  rcvRtt: number;
  rcvSpace: number;
  totalRetrans: number;
  /** Bytes per second: pacingRate, maxPacingRate, deliveryRate. */
  pacingRate?: number;
  maxPacingRate?: number;
  bytesAcked?: number;
  bytesReceived?: number;
  segsOut?: number;
  segsIn?: number;
  notsentBytes?: number;
  minRtt?: number;
  dataSegsIn?: number;
  dataSegsOut?: number;
  deliveryRate?: number;
  busyTime?: number;
  rwndLimited?: number;
  sndbufLimited?: number;
  delivered?: number;
  deliveredCe?: number;
  bytesSent?: number;
  bytesRetrans?: number;
  dsackDups?: number;
  reordSeen?: number;
  rcvOoopack?: number;
  sndWnd?: number;
  rcvWnd?: number;
  rehash?: number;
  totalRto?: number;
  totalRtoRecoveries?: number;
  /** Milliseconds. */
  totalRtoTime?: number;
}

export interface SubflowAddresses {
  /** The kernel's number of the subflow in its connection, from 1; since Linux 6.5. */
  id?: number;
  local: Address;
  remote: Address;
}

export interface Subflow extends SubflowAddresses {
  tcpInfo: TcpInfo;
}

/** Names of native/core/socket_options.cc. */
export type IntegerOption =
  | 'SO_MARK'
  | 'SO_PRIORITY'
  | 'SO_RCVBUF'
  | 'SO_SNDBUF'
  | 'SO_KEEPALIVE'
  | 'SO_INCOMING_CPU'
  | 'SO_BUSY_POLL'
  | 'SO_REUSEADDR'
  | 'SO_REUSEPORT'
  | 'SO_DOMAIN'
  | 'SO_PROTOCOL'
  | 'IP_TOS'
  | 'IP_FREEBIND'
  | 'IP_TRANSPARENT'
  | 'IP_BIND_ADDRESS_NO_PORT'
  | 'IP_LOCAL_PORT_RANGE'
  | 'IPV6_TCLASS'
  | 'TCP_NODELAY'
  | 'TCP_CORK'
  | 'TCP_KEEPIDLE'
  | 'TCP_KEEPINTVL'
  | 'TCP_KEEPCNT'
  | 'TCP_NOTSENT_LOWAT'
  | 'TCP_FASTOPEN'
  | 'TCP_FASTOPEN_CONNECT';
export type TextOption = 'SO_BINDTODEVICE' | 'TCP_CONGESTION';

export interface Native extends NativePathManager {
  /** A non-blocking, close-on-exec MPTCP socket. ENOPROTOOPT, EPROTONOSUPPORT, EINVAL: no MPTCP. */
  openSocket(family: 4 | 6): number;
  closeSocket(fd: number): void;

  /** Whether a connected socket speaks MPTCP now; undefined before Linux 5.16. */
  isMptcp(fd: number): boolean | undefined;
  /** EOPNOTSUPP, ENOPROTOOPT: the connection speaks TCP. */
  mptcpInfo(fd: number): MptcpInfo;
  /** TCP_INFO: of a TCP connection, or of an MPTCP connection's first subflow. */
  tcpInfo(fd: number): TcpInfo;
  subflowTcpInfo(fd: number): TcpInfo[];
  subflowAddresses(fd: number): SubflowAddresses[];
  fullInfo(fd: number): { info: MptcpInfo; subflows: Subflow[] };
  /** By MPTCP_FULL_INFO, or by the two older options where the kernel lacks it. */
  subflows(fd: number): Subflow[];

  setOption(fd: number, name: IntegerOption, value: number): void;
  setOption(fd: number, name: TextOption, value: string): void;
  getOption(fd: number, name: IntegerOption): number;
  getOption(fd: number, name: TextOption): string;

  /** The rule of native/core/congestion_rule.h: 'bbr', and what takes its place. */
  readonly collapsing: string;
  readonly instead: string;
  /** On a socket that is to connect or listen. True: what it has now is `instead`. */
  forestallCollapse(fd: number): boolean;
  /** On a connection of such a socket. True: what it keeps is `instead`. */
  settleCollapse(fd: number): boolean;

  /** Puts connected `source` in the place of `target`, whose connect() the event loop awaits. */
  replaceConnecting(target: number, source: number): void;
  /** Sends DATA_FIN and gives a duplicate to watch, or -1: a plain close() is right. */
  keepAfterClose(fd: number): number;
}

// ---------------------------------------------------------------------------------------------
// Path manager. Everything here works on a thread of its own in one network namespace, named as
// `ip netns` does or by a path with a slash; undefined: the process's own. Constructors throw for
// bad arguments alone: what the thread finds when it opens the namespace (ENOENT: there is none,
// EPERM: it needs CAP_SYS_ADMIN) and its sockets comes with the first callback.
// Ports are in host order, interfaces are indexes, absent fields are not reported.

/** MPTCP_PM_ADDR_FLAG_* as bits: 1 signal, 2 subflow, 4 backup, 8 fullmesh, 16 implicit, 32 laminar. */
export interface NativeEndpoint {
  id: number;
  address: string;
  /** 0: the connection's own. */
  port: number;
  flags: number;
  /** Interface index; 0: any. */
  interface: number;
}

export interface NativeLimits {
  subflows: number;
  addAddrAccepted: number;
}

/** Exactly the commands of native/core/mptcp_pm.h. */
export type NativeCommand =
  | { command: 'addEndpoint'; endpoint: NativeEndpoint }
  | { command: 'deleteEndpoint'; id: number; address?: string }
  | { command: 'getEndpoint'; id: number; token?: number }
  | { command: 'flushEndpoints' }
  | { command: 'setEndpointFlags'; id: number; address?: string; flags: number }
  | { command: 'setLimits'; subflows?: number; addAddrAccepted?: number }
  | { command: 'getLimits' }
  | { command: 'announce'; token: number; endpoint: NativeEndpoint }
  | { command: 'remove'; token: number; localId: number }
  | { command: 'createSubflow'; token: number; local: NativeEndpoint; remote: NativeSocketAddress }
  | {
      command: 'destroySubflow';
      token: number;
      local: NativeSocketAddress;
      remote: NativeSocketAddress;
    }
  | {
      command: 'setSubflowFlags';
      token: number;
      local: NativeSocketAddress;
      remote: NativeSocketAddress;
      flags: number;
    };

export interface NativeSocketAddress {
  address: string;
  port: number;
}

export interface NativeCommandError extends NativeError {
  /** Bytes into the request (NLMSGERR_ATTR_OFFS). */
  offendingAttribute?: number;
  /** Attribute type (NLMSGERR_ATTR_MISS_TYPE). */
  missingAttribute?: number;
}

type Callback<T> = (error: NativeCommandError | null, result?: T) => void;

/** What every object with a thread has. */
interface NativeBackground {
  /** The kernel's thread id: the proof that nothing of it ran on the event loop. */
  readonly threadId: number;
  /** Ends the thread without waiting for it; `closed` is called when it has ended. */
  close(closed?: () => void): void;
}

/** A socket that is held, never read: until close(), or until it is garbage. */
export interface NativeHeldSocket {
  close(): void;
}

/**
 * A setting to change for a time. Its file is open, so that no call waits for anything. As garbage,
 * and when a worker is terminated, what was changed is restored too.
 */
export interface NativeHeldSetting {
  change(value: string): void;
  /** Writes the former value, at once; once, and best effort. */
  restore(): void;
  /** The value stays as it is. */
  release(): void;
}

/**
 * A thread that runs what it is given in order. Each method gives the number of the job and calls
 * back on the JavaScript thread. A pending job keeps the process alive unless unref() was called.
 * close() lets the kernel end what it has begun; the rest fails with ECANCELED.
 */
export interface NativeCommands extends NativeBackground {
  /** In order, pipelined, also past one that fails: one entry a command. */
  run(
    commands: NativeCommand[],
    callback: Callback<(NativeCommandError | NativeEndpoint | NativeLimits | undefined)[]>,
  ): number;
  /** Gives the endpoint as read back. Nothing that this thread runs comes in between. */
  addEndpoint(endpoint: NativeEndpoint, callback: Callback<NativeEndpoint>): number;
  /**
   * Sets those of backup and fullmesh that are in `mask` as in `flags`, and gives the endpoint as read
   * back. Nothing that this thread runs comes in between.
   */
  updateEndpointFlags(
    id: number,
    mask: number,
    flags: number,
    callback: Callback<NativeEndpoint>,
  ): number;
  /** All endpoints; with a token those of a connection that userspace manages. */
  endpoints(token: number | undefined, callback: Callback<NativeEndpoint[]>): number;
  links(callback: Callback<NativeLink[]>): number;
  addresses(callback: Callback<NativeInterfaceAddress[]>): number;
  routes(callback: Callback<NativeRoute[]>): number;
  /** A file under /proc/sys/net/ or /proc/net/, as the namespace has it. */
  readFile(path: string, callback: Callback<string>): number;
  writeFile(path: string, value: string, callback: Callback<void>): number;
  /** A file under /proc/sys/net/, to which restore() writes `former`. */
  holdSetting(path: string, former: string, callback: Callback<NativeHeldSetting>): number;
  /**
   * An MPTCP socket that listens at the address for joins; a thread of its own resets all others.
   * EADDRINUSE: somebody listens there already.
   */
  listen(address: string, port: number, callback: Callback<NativeHeldSocket>): number;
  /** Holds an abstract Unix name in the namespace. EADDRINUSE: see nameOwner. */
  holdName(name: string, callback: Callback<NativeHeldSocket>): number;
  /** The process id that holds an abstract Unix name; undefined: nobody does. */
  nameOwner(name: string, callback: Callback<number | undefined>): number;
  /** Command numbers of the family that this kernel has, and the family's version. */
  family(callback: Callback<{ version: number; commands: number[] }>): number;
  /**
   * Whether the kernel's events say that a peer denies joins to its first address, found out by a
   * connection over a loopback: that of a namespace of its own, or of this one without CAP_SYS_ADMIN.
   * undefined: it could not be found out.
   */
  tellsDeniedJoins(callback: Callback<boolean | undefined>): number;
  /** True: it was still waiting and will never run; its callback is not called. */
  cancel(job: number): boolean;
  /**
   * Waits, on this thread, until everything that was given has run, and calls back: for a process
   * that exits. 5 seconds at most.
   */
  drain(): void;
  ref(): void;
  unref(): void;
}

/** native/core/mptcp_pm.h Event. */
export interface NativeEvent {
  /** uapi: 1 created, 2 established, 3 closed, 6 announced, 7 removed, 10 sub_established, … */
  type: number;
  token?: number;
  family?: number;
  localId?: number;
  remoteId?: number;
  /** Port 0: the event has none. */
  local?: NativeSocketAddress;
  remote?: NativeSocketAddress;
  backup?: boolean;
  error?: number;
  resetReason?: number;
  resetFlags?: number;
  timeout?: number;
  flags?: number;
  serverSide?: boolean;
  interface?: number;
  unknown?: { type: number; payload: Uint8Array }[];
}

/** The kernel does not say whether an address is new or changed, nor always of links and routes. */
export type NativeChangeKind = 'added' | 'changed' | 'addedOrChanged' | 'removed';

export type NativeInterfaceChange =
  | { kind: NativeChangeKind; link: NativeLink }
  | { kind: NativeChangeKind; address: NativeInterfaceAddress }
  | { kind: NativeChangeKind; route: NativeRoute };

/**
 * The first call, mostly without items, says that the socket is in its multicast groups: nothing
 * that happens from then on is missed without a word. `overrun`: how many messages were lost before
 * these items, -1 where the kernel did not say (ENOBUFS). An error ends the watcher. Nothing is
 * delivered after close().
 */
export type Deliver<T> = (error: NativeError | null, items: T[], overrun: number) => void;

/**
 * A thread with a socket in multicast groups. It is not garbage until it is closed or has failed.
 * It keeps the process alive after ref() alone.
 */
export interface NativeWatcher extends NativeBackground {
  ref(): void;
  unref(): void;
}

export interface WatcherOptions {
  /** Bytes; beyond net.core.rmem_max with CAP_NET_ADMIN only. */
  receiveBuffer?: number;
  /** Items that wait for JavaScript at most; those beyond count as `overrun`. */
  queue: number;
}

/** native/core/rtnetlink.h Link. */
export interface NativeLink {
  index: number;
  name: string;
  /** IFF_* (netdevice(7)): 1 up, 0x40 running, 8 loopback. */
  flags: number;
  /** IF_OPER_*: 6 up, 2 down, 5 dormant, 0 unknown (RFC 2863). */
  operationalState?: number;
  /** Whether the device has a carrier: a cable, an access point. */
  carrier?: boolean;
  mtu?: number;
  /** The driver's kind where it tells one: 'veth', 'bridge' … */
  kind?: string;
  /** The bridge, bond or VRF that it belongs to. */
  master?: number;
}

export interface NativeInterfaceAddress {
  interface: number;
  address: string;
  prefixLength: number;
  /** IFA_F_*: 0x40 tentative, 0x20 deprecated, 8 dadfailed. */
  flags: number;
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  scope: number;
}

export interface NativeRoute {
  family: 4 | 6;
  /** '' : the default route. */
  destination: string;
  prefixLength: number;
  /** More than one: multipath; none: unreachable, blackhole … */
  nextHops: NativeNextHop[];
  /** RT_TABLE_*: 254 main. */
  table: number;
  /** The lower wins. */
  metric: number;
  /** The preferred source address. */
  source?: string;
  /** RTN_*: 1 unicast. */
  type: number;
  /** RTPROT_*: who made it. */
  protocol: number;
}

export interface NativeNextHop {
  gateway?: string;
  /** 0: none. */
  interface: number;
  weight: number;
}

/** native/core/sock_diag.h Socket. */
interface NativeDiagSocket {
  local: Address;
  remote: Address;
  /** TCP_* states: 1 established, 10 listen. */
  state: number;
  uid: number;
  /** 0: no process holds it any more. */
  inode: number;
  /** Bytes; of a listener: connections that wait to be accepted, and how many may wait. */
  receiveQueue: number;
  sendQueue: number;
}

/** A connection of the namespace, as sock_diag has it. */
export interface NativeConnection extends NativeDiagSocket {
  /** Absent: a listener, or the kernel hides it. */
  token?: number;
  info?: MptcpInfo;
}

/**
 * A TCP socket of sock_diag that is a subflow (INET_ULP_INFO_MPTCP). Before Linux 6.15 the kernel
 * shows them with CAP_NET_ADMIN alone.
 */
export interface NativeDiagSubflow extends NativeDiagSocket {
  /** Of this side's connection. */
  token: number;
  /** Known to the side that made an additional subflow. */
  remoteToken?: number;
  /** MPTCP_SUBFLOW_FLAG_*: 4 join remote, 8 join local, 0x10 backup remote, 0x20 backup local … */
  flags?: number;
  localId?: number;
  remoteId?: number;
  tcpInfo?: TcpInfo;
}

export interface DiagFilter {
  localPort?: number;
  remotePort?: number;
  localAddress?: string;
  remoteAddress?: string;
  /** Bits 1 << TCP_*. */
  states?: number;
}

/**
 * A dump on a thread of its own, which waits while nobody asks for the next batch. A pending next()
 * keeps the process alive; close() fails it with ECANCELED.
 */
export interface NativeDump<T> extends NativeBackground {
  /** undefined: the end. `restarted`: a change interrupted the dump; what came before is void. */
  next(callback: Callback<{ batch: T[]; restarted: boolean } | undefined>): void;
}

export interface NativePathManager {
  Commands: new (netns: string | undefined) => NativeCommands;
  EventWatcher: new (
    netns: string | undefined,
    options: WatcherOptions,
    deliver: Deliver<NativeEvent>,
  ) => NativeWatcher;
  InterfaceWatcher: new (
    netns: string | undefined,
    options: WatcherOptions,
    deliver: Deliver<NativeInterfaceChange>,
  ) => NativeWatcher;
  ConnectionDump: new (
    netns: string | undefined,
    filter: DiagFilter,
  ) => NativeDump<NativeConnection>;
  SubflowDump: new (
    netns: string | undefined,
    options: { tcpInfo: boolean },
  ) => NativeDump<NativeDiagSubflow>;
}
