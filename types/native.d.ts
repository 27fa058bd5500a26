/**
 * The contract between native/binding and lib: every function of the addon, its shapes, units and
 * errors. Nothing here is public API; lib/ gives it its public form.
 *
 * Functions throw {@link NativeError}, or call back with it. The addon omits a field that the
 * running kernel does not report. Counters are numbers, exact to 9 PB. Functions that take a file
 * descriptor run on the thread that owns it and do not wait.
 */

/** The error of a system call or of the kernel. */
export interface NativeError extends Error {
  /** The positive number of errno(3). */
  errno: number;
  /** The call that failed, such as 'socket' or 'getsockopt MPTCP_INFO'. */
  call: string;
  /** The kernel's own text (NLMSGERR_ATTR_MSG), if it sent one. */
  extack?: string;
}

/** An IP address and port of a socket. */
export interface Address {
  /** Is numeric: IPv4 if v4-mapped, and with its `%interface` if link-local. */
  address: string;
  /** The port in host order. */
  port: number;
  /** The family of {@link address}, which is not always that of the socket. */
  family: 'IPv4' | 'IPv6';
}

/**
 * The result of MPTCP_INFO: struct mptcp_info (include/uapi/linux/mptcp.h). Optional fields came
 * with later kernels. Counters of bytes are those of the connection, without the TCP
 * retransmissions of its subflows.
 */
export interface MptcpInfo {
  /** The number of subflows beyond the initial one. */
  subflows: number;
  /** The number of addresses that this host has announced. */
  addAddrSignal: number;
  /** The number of announced addresses that this host has accepted. */
  addAddrAccepted: number;
  /** The limit of {@link subflows}. */
  subflowsMax: number;
  /** The limit of {@link addAddrSignal}: the number of `signal` endpoints. */
  addAddrSignalMax: number;
  /** The limit of {@link addAddrAccepted}. */
  addAddrAcceptedMax: number;
  /** Bits MPTCP_INFO_FLAG_*: 1 fallback, 2 remote key received. */
  flags: number;
  /** Identifies the connection in this network namespace (RFC 8684 section 3.2). */
  token: number;
  /** The next data sequence number that this host will write: 64 bits, in decimal. */
  writeSeq: string;
  /** The first data sequence number that the peer has not acknowledged: 64 bits, in decimal. */
  sndUna: string;
  /** The next data sequence number that this host expects: 64 bits, in decimal. */
  rcvNxt: string;
  /** The number of `subflow` endpoints that the connection has used. */
  localAddrUsed?: number;
  /** The number of `subflow` endpoints. */
  localAddrMax?: number;
  /** 1 if the connection uses DSS checksums, else 0. */
  csumEnabled?: number;
  /** The number of retransmissions by the timer of the connection. */
  retransmits?: number;
  /** Bytes that the connection has retransmitted, on whichever subflow. */
  bytesRetrans?: number;
  /** Bytes that were sent. */
  bytesSent?: number;
  /** Bytes that were received. */
  bytesReceived?: number;
  /** Bytes that the peer has acknowledged. */
  bytesAcked?: number;
  /** The number of subflows, which includes the initial one. */
  subflowsTotal?: number;
  /** Milliseconds since data was last sent. */
  lastDataSent?: number;
  /** Milliseconds since data was last received. */
  lastDataRecv?: number;
  /** Milliseconds since an acknowledgement was last received. */
  lastAckRecv?: number;
}

/**
 * The result of TCP_INFO: struct tcp_info (include/uapi/linux/tcp.h). Optional fields came with
 * later kernels.
 */
export interface TcpInfo {
  /** The TCP state: TCP_ESTABLISHED is 1 (include/net/tcp_states.h). */
  state: number;
  /** The congestion state: TCP_CA_Open is 0 (enum tcp_ca_state). */
  caState: number;
  /** The number of consecutive timeouts of the retransmission timer. */
  retransmits: number;
  /** The number of unanswered window or keep-alive probes. */
  probes: number;
  /** The exponent of the current back-off. */
  backoff: number;
  /** Bits TCPI_OPT_*: 1 timestamps, 2 SACK, 4 window scaling. */
  options: number;
  /** The retransmission timeout in microseconds. */
  rto: number;
  /** The timeout of delayed acknowledgements in microseconds. */
  ato: number;
  /** The maximum segment size for sending, in bytes. */
  sndMss: number;
  /** The maximum segment size for receiving, in bytes, as estimated from what arrives. */
  rcvMss: number;
  /** Packets that were sent and not acknowledged. */
  unacked: number;
  /** Packets that were acknowledged selectively. */
  sacked: number;
  /** Packets that are considered lost. */
  lost: number;
  /** Packets that are retransmitted and not acknowledged. */
  retrans: number;
  /** Milliseconds since data was last sent. */
  lastDataSent: number;
  /** Milliseconds since data was last received. */
  lastDataRecv: number;
  /** Milliseconds since an acknowledgement was last received. */
  lastAckRecv: number;
  /** The path's maximum transmission unit in bytes. */
  pmtu: number;
  /** The receive window's slow-start threshold in bytes. */
  rcvSsthresh: number;
  /** The smoothed round-trip time in microseconds. */
  rtt: number;
  /** The variation of the round-trip time in microseconds. */
  rttvar: number;
  /** The slow-start threshold in packets. */
  sndSsthresh: number;
  /** The congestion window in packets. */
  sndCwnd: number;
  /** The maximum segment size that this host advertises, in bytes. */
  advmss: number;
  /** The reordering that the kernel tolerates, in packets. */
  reordering: number;
  /** The receiver's estimate of the round-trip time in microseconds. */
  rcvRtt: number;
  /** The space that the receive buffer is tuned for, in bytes. */
  rcvSpace: number;
  /** Packets that were retransmitted. */
  totalRetrans: number;
  /** The pacing rate in bytes per second. */
  pacingRate?: number;
  /** The limit of the pacing rate in bytes per second. */
  maxPacingRate?: number;
  /** Bytes that the peer has acknowledged. */
  bytesAcked?: number;
  /** Bytes that were received. */
  bytesReceived?: number;
  /** Segments that were sent. */
  segsOut?: number;
  /** Segments that were received. */
  segsIn?: number;
  /** Bytes in the send queue that were not sent. */
  notsentBytes?: number;
  /** The minimum round-trip time in microseconds. */
  minRtt?: number;
  /** Segments with data that were received. */
  dataSegsIn?: number;
  /** Segments with data that were sent. */
  dataSegsOut?: number;
  /** The latest measured delivery rate in bytes per second. */
  deliveryRate?: number;
  /** Microseconds in which data was in flight or waited to be sent. */
  busyTime?: number;
  /** Microseconds in which the peer's receive window limited sending. */
  rwndLimited?: number;
  /** Microseconds in which the send buffer limited sending. */
  sndbufLimited?: number;
  /** Packets that were delivered. */
  delivered?: number;
  /** Packets that were delivered with a congestion mark (ECN). */
  deliveredCe?: number;
  /** Bytes that were sent, which includes retransmissions. */
  bytesSent?: number;
  /** Bytes that were retransmitted. */
  bytesRetrans?: number;
  /** Duplicates that the peer has reported by DSACK. */
  dsackDups?: number;
  /** The number of times that reordering was seen. */
  reordSeen?: number;
  /** Packets that were received out of order. */
  rcvOoopack?: number;
  /** The peer's receive window in bytes. */
  sndWnd?: number;
  /** This host's receive window in bytes. */
  rcvWnd?: number;
  /** The number of times that the kernel chose another flow hash, after PLB or timeouts. */
  rehash?: number;
  /** The number of retransmission timeouts. */
  totalRto?: number;
  /** The number of recoveries after retransmission timeouts. */
  totalRtoRecoveries?: number;
  /** Milliseconds that were spent in such recoveries. */
  totalRtoTime?: number;
}

/** A subflow's addresses, by MPTCP_SUBFLOW_ADDRS or MPTCP_FULL_INFO. */
export interface SubflowAddresses {
  /** The kernel's number of the subflow in its connection, from 1; since Linux 6.5. */
  id?: number;
  /** The address and port of this host. */
  local: Address;
  /** The address and port of the peer. */
  remote: Address;
}

/** A subflow's addresses and TCP state. */
export interface Subflow extends SubflowAddresses {
  /** The state of the subflow's TCP socket. */
  tcpInfo: TcpInfo;
}

/** The options of native/core/socket_options.cc whose values are integers. */
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
/** The options of native/core/socket_options.cc whose values are text. */
export type TextOption = 'SO_BINDTODEVICE' | 'TCP_CONGESTION';

/** The addon. */
export interface Native extends NativePathManager {
  /**
   * Opens a non-blocking, close-on-exec MPTCP socket and returns its descriptor. Fails with
   * ENOPROTOOPT, EPROTONOSUPPORT or EINVAL if this kernel has no MPTCP or has it disabled.
   */
  openSocket(family: 4 | 6): number;
  /** Closes a descriptor. */
  closeSocket(fd: number): void;

  /**
   * Returns how the subflows of a connection are. 0: none is connected, and there is nothing to read;
   * 1: none is connected, but what arrived before, or the peer's end, is still to be read; 2: each that
   * is connected waits for the answer to two or more retransmissions or probes; 3: there is another.
   * Undefined: the connection uses TCP, or the kernel cannot report it (before Linux 5.16).
   */
  pathHealth(fd: number): 0 | 1 | 2 | 3 | undefined;

  /** Returns whether a connected socket uses MPTCP now; undefined before Linux 5.16. */
  isMptcp(fd: number): boolean | undefined;
  /** Reads MPTCP_INFO. Fails with EOPNOTSUPP or ENOPROTOOPT if the connection uses TCP. */
  mptcpInfo(fd: number): MptcpInfo;
  /** Reads TCP_INFO of a TCP connection, or of the initial subflow of an MPTCP connection. */
  tcpInfo(fd: number): TcpInfo;
  /**
   * Reads MPTCP_TCPINFO, in the order of {@link subflowAddresses}. Fails with EOPNOTSUPP or
   * ENOPROTOOPT before Linux 5.16, and if the connection uses TCP.
   */
  subflowTcpInfo(fd: number): TcpInfo[];
  /** Reads MPTCP_SUBFLOW_ADDRS. Fails as {@link subflowTcpInfo} does. */
  subflowAddresses(fd: number): SubflowAddresses[];
  /** Reads MPTCP_FULL_INFO. Fails as {@link subflowTcpInfo} does, and before Linux 6.5. */
  fullInfo(fd: number): { info: MptcpInfo; subflows: Subflow[] };
  /** Reads the subflows by MPTCP_FULL_INFO, or by the two older options if the kernel lacks it. */
  subflows(fd: number): Subflow[];

  /** Sets a socket option. Fails with EINVAL for an unknown name, else as setsockopt(2) does. */
  setOption(fd: number, name: IntegerOption, value: number): void;
  setOption(fd: number, name: TextOption, value: string): void;
  /** Returns the kernel's value of a socket option. Fails as {@link setOption} does. */
  getOption(fd: number, name: IntegerOption): number;
  getOption(fd: number, name: TextOption): string;

  /** The congestion control that native/core/congestion_rule.h replaces: 'bbr'. */
  readonly collapsing: string;
  /** The congestion control that replaces it. */
  readonly instead: string;
  /**
   * Sets {@link instead} on a socket that has {@link collapsing}, before it connects or listens.
   * Returns whether it had that.
   */
  forestallCollapse(fd: number): boolean;
  /**
   * Sets {@link instead} on an established connection of such a socket if it uses MPTCP with a
   * neighbour, else {@link collapsing}. Returns whether it keeps {@link instead}.
   */
  settleCollapse(fd: number): boolean;

  /** Replaces `target`, for whose connect() the event loop waits, by the connected `source`. */
  replaceConnecting(target: number, source: number): void;
  /**
   * Keeps the connection of a socket that is about to be closed until the peer has closed too, in a
   * thread of the process; does nothing where a plain close() is right. The process keeps an eighth of
   * the descriptors that it may have, and 256 at most; the oldest are given up first.
   */
  keepAfterClose(fd: number): void;
  /**
   * Gives up the oldest of these connections until the process can open one more descriptor.
   * `openSocket` does so itself.
   */
  makeRoom(): void;
}

// ---------------------------------------------------------------------------------------------
// The classes below work on a thread of their own in one network namespace. It is named as `ip
// netns` names it or by a path with a slash; undefined is the process's own. Constructors throw a
// TypeError or RangeError for wrong arguments only. The errors of the thread come with the first
// callback: ENOENT if the namespace does not exist, EPERM if entering it needs CAP_SYS_ADMIN, and
// those of its sockets. Ports are in host order and interfaces are indexes.

/** An endpoint of the path manager, or the local address of a command. */
export interface NativeEndpoint {
  /** The address id, from 1 to 255; with 0 in `addEndpoint` the kernel chooses. */
  id: number;
  /** Is numeric; a link-local one may have its `%interface`. */
  address: string;
  /** 0 stands for the connection's own port. */
  port: number;
  /**
   * Bits MPTCP_PM_ADDR_FLAG_*: 1 signal, 2 subflow, 4 backup, 8 fullmesh, 16 implicit, 32 laminar.
   */
  flags: number;
  /** The index of the interface; 0 stands for any. */
  interface: number;
}

/** The limits of the in-kernel path manager for each connection. */
export interface NativeLimits {
  /** The number of additional subflows. */
  subflows: number;
  /** The number of announced addresses that this host accepts. */
  addAddrAccepted: number;
}

/**
 * The commands of native/core/mptcp_pm.h, which says what each needs and how it fails. Those with a
 * `token`, except `getEndpoint`, are for a connection that userspace manages.
 */
export type NativeCommand =
  | { command: 'addEndpoint'; endpoint: NativeEndpoint }
  | { command: 'deleteEndpoint'; id: number; address?: string }
  | { command: 'getEndpoint'; id: number; token?: number }
  | { command: 'flushEndpoints' }
  | { command: 'setEndpointFlags'; id: number; address?: string; port?: number; flags: number }
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

/** An address and port in commands and events. */
export interface NativeSocketAddress {
  /** Is numeric: IPv4 if v4-mapped, and with its `%interface` if link-local. */
  address: string;
  /** 0 if there is none. */
  port: number;
}

/** The kernel's error about a netlink request. */
export interface NativeCommandError extends NativeError {
  /** The offset of the offending attribute in the request, in bytes (NLMSGERR_ATTR_OFFS). */
  offendingAttribute?: number;
  /** The type of the attribute that is missing (NLMSGERR_ATTR_MISS_TYPE). */
  missingAttribute?: number;
}

/** Is called once, on the JavaScript thread, with an error or a result. */
type Callback<T> = (error: NativeCommandError | null, result?: T) => void;

/** Every object with a thread has these members. */
interface NativeBackground {
  /** The kernel's id of the thread, which proves that its work is not done on the event loop. */
  readonly threadId: number;
  /** Ends the thread without waiting for it, and calls `closed` once it has ended. */
  close(closed?: () => void): void;
}

/** A socket that exists for what the kernel does with it, until close() or until it is garbage. */
export interface NativeHeldSocket {
  /** Closes the socket; further calls do nothing. */
  close(): void;
}

/** The process that holds a name, as it was when it began to. */
export interface NativeNameOwner {
  /** Its process id; 0 in another pid namespace. */
  pid: number;
  /** Its user id, as this user namespace sees it. */
  uid: number;
}

/**
 * A setting that is changed for a time. Its file is open, so that no call waits. A change is also
 * restored when the object is garbage and when its worker is terminated.
 */
export interface NativeHeldSetting {
  /** Writes a value. Fails as write(2) does. */
  change(value: string): void;
  /**
   * Writes the former value at once, the first time only, and removes the record. Ignores errors; the
   * record stays where the privilege to write is gone.
   */
  restore(): void;
  /** Keeps the current value, and the record. */
  release(): void;
}

/**
 * A thread that runs jobs in order. Each method that takes a callback queues a job and returns its
 * number. A pending job keeps the process alive unless unref() was called. close() lets the kernel
 * finish what it has begun; other jobs fail with ECANCELED.
 */
export interface NativeCommands extends NativeBackground {
  /** Runs commands in order, also after one that fails. The result has an entry for each. */
  run(
    commands: NativeCommand[],
    callback: Callback<(NativeCommandError | NativeEndpoint | NativeLimits | undefined)[]>,
  ): number;
  /**
   * Adds an endpoint and reads it back, with no other job in between. Fails with EEXIST if the
   * address has an endpoint, with ERANGE if there is no room and with EPERM without CAP_NET_ADMIN.
   */
  addEndpoint(endpoint: NativeEndpoint, callback: Callback<NativeEndpoint>): number;
  /**
   * Sets those bits of backup and fullmesh that are in `mask` to those in `flags`, and reads the
   * endpoint back, with no other job in between. Fails with EINVAL if no endpoint has the id and
   * with EPERM without CAP_NET_ADMIN.
   */
  updateEndpointFlags(
    id: number,
    mask: number,
    flags: number,
    callback: Callback<NativeEndpoint>,
  ): number;
  /**
   * Lists all endpoints, or with a token those of a connection that userspace manages. Fails with
   * EINVAL if the token is unknown or the kernel manages its connection.
   */
  endpoints(token: number | undefined, callback: Callback<NativeEndpoint[]>): number;
  /** Lists the links. */
  links(callback: Callback<NativeLink[]>): number;
  /** Lists the addresses of all links. */
  addresses(callback: Callback<NativeInterfaceAddress[]>): number;
  /** Lists the routes of all tables. */
  routes(callback: Callback<NativeRoute[]>): number;
  /**
   * Finds the route that packets from `source` to `destination` take by the kernel's rules and tables,
   * on the given interface unless it is 0. Without a source the kernel chooses it: the route's `source`.
   * Fails with ENETUNREACH or EHOSTUNREACH if there is no route.
   */
  findRoute(
    destination: string,
    source: string | undefined,
    interface: number,
    callback: Callback<NativeRoute>,
  ): number;
  /**
   * Reads a file under /proc/sys/net/ or /proc/net/ of the namespace. Fails with EINVAL for another
   * path, with ENOENT if it does not exist and with EACCES without permission.
   */
  readFile(path: string, callback: Callback<string>): number;
  /**
   * Writes such a file. Fails as {@link readFile} does, and with EINVAL if the kernel refuses it.
   */
  writeFile(path: string, value: string, callback: Callback<void>): number;
  /**
   * Opens a file under /proc/sys/net/ for changes, after which restore() writes `former`. `record` is
   * the path of a file that says for successors what is to be restored.
   */
  holdSetting(
    path: string,
    former: string,
    record: string | undefined,
    callback: Callback<NativeHeldSetting>,
  ): number;
  /**
   * Listens at the address for joins, and resets all other connections on a thread of its own.
   * Fails with EADDRINUSE if another socket listens there.
   */
  listen(address: string, port: number, callback: Callback<NativeHeldSocket>): number;
  /**
   * Binds an abstract Unix name in the namespace, and answers {@link nameOwner} on a thread of its
   * own. Fails with EADDRINUSE. Any process can hold any name.
   */
  holdName(name: string, callback: Callback<NativeHeldSocket>): number;
  /**
   * Finds the process that has bound an abstract Unix name; undefined if none has. `pid` is 0 in
   * another pid namespace; `uid` is that of this user namespace. Fails with EAGAIN if it does not
   * answer.
   */
  nameOwner(name: string, callback: Callback<NativeNameOwner | undefined>): number;
  /**
   * Reads the cookie of the network namespace, a number that no other one has until the machine
   * starts again. Fails with ENOPROTOOPT before Linux 5.14.
   */
  namespaceCookie(callback: Callback<string>): number;
  /**
   * Reads the file handle of the network namespace, for {@link namespaceExists}; undefined before
   * Linux 6.18.
   */
  namespaceHandle(callback: Callback<string | undefined>): number;
  /**
   * Whether the network namespace with such a handle may still exist: false only where the kernel
   * says that it does not.
   */
  namespaceExists(handle: string, callback: Callback<boolean>): number;
  /**
   * Reads the version of the family `mptcp_pm` and the numbers of its commands in this kernel.
   * Fails with ENOENT if the kernel has no such family.
   */
  family(callback: Callback<{ version: number; commands: number[] }>): number;
  /**
   * Finds out whether the kernel's events report that a peer denies joins to its initial address,
   * by a connection over the loopback of a new namespace, or of this one without CAP_SYS_ADMIN.
   * undefined if that fails.
   */
  tellsDeniedJoins(callback: Callback<boolean | undefined>): number;
  /**
   * Removes a job that has not begun, whose callback is then never called. Returns whether it did.
   */
  cancel(job: number): boolean;
  /**
   * Blocks the JavaScript thread until all jobs have run, for 5 seconds at most, and calls back. It
   * is for a process that exits.
   */
  drain(): void;
  /** Lets pending jobs keep the process alive, which is the default. */
  ref(): void;
  /** Lets the process exit while jobs are pending. */
  unref(): void;
}

/** An event of the path manager. Local and remote are seen from this host, also on a server. */
export interface NativeEvent {
  /**
   * MPTCP_EVENT_*: 1 created, 2 established, 3 closed, 6 announced, 7 removed, 10 sub_established,
   * 11 sub_closed, 13 sub_priority, 15 listener_created, 16 listener_closed.
   */
  type: number;
  /** The token of the connection on this host. */
  token?: number;
  /**
   * The family of the socket, AF_INET (2) or AF_INET6 (10), also if its addresses are v4-mapped.
   */
  family?: number;
  /** The address id of the local address. */
  localId?: number;
  /** The address id of the remote address. */
  remoteId?: number;
  /** The local address; its port is 0 if the event has none. */
  local?: NativeSocketAddress;
  /** The remote address; its port is 0 if the event has none. */
  remote?: NativeSocketAddress;
  /** Whether the subflow is a backup. */
  backup?: boolean;
  /** The positive errno of the subflow's socket. */
  error?: number;
  /** The reason in MP_TCPRST (RFC 8684 section 3.6). */
  resetReason?: number;
  /** The flags in MP_TCPRST: 1 transient. */
  resetFlags?: number;
  /** The value of MPTCP_ATTR_TIMEOUT. */
  timeout?: number;
  /** Bits MPTCP_PM_EV_FLAG_*: 1 the peer denies joins to its initial address, 2 server side. */
  flags?: number;
  /** Whether this host is the server, in `created` and `established`. */
  serverSide?: boolean;
  /** The index of the subflow's interface. */
  interface?: number;
  /** All attributes of an event of unknown type, else those that have no field here. */
  unknown?: { type: number; payload: Uint8Array }[];
}

/** The kernel does not report whether an address is new, nor always whether a link or route is. */
export type NativeChangeKind = 'added' | 'changed' | 'addedOrChanged' | 'removed';

/** A link, address or route, and what has happened to it. */
export type NativeInterfaceChange =
  | { kind: NativeChangeKind; link: NativeLink }
  | { kind: NativeChangeKind; address: NativeInterfaceAddress }
  | { kind: NativeChangeKind; route: NativeRoute };

/**
 * Receives the batches of a watcher. The first call, which often has no items, means that the
 * socket has joined its multicast groups: from then on every loss is reported. `overrun` is the
 * number of messages that were lost before these items, or -1 if the kernel did not count them
 * (ENOBUFS). An error ends the watcher. Nothing is delivered after close().
 */
export type Deliver<T> = (error: NativeError | null, items: T[], overrun: number) => void;

/**
 * A thread with a socket in multicast groups. It is not garbage until it is closed or has failed,
 * and it keeps the process alive only after ref(). Its first callback fails with EPERM if joining a
 * group needs CAP_NET_ADMIN, and with ENOENT if the kernel has no family `mptcp_pm`.
 */
export interface NativeWatcher extends NativeBackground {
  /** Keeps the process alive until unref(), close() or an error. */
  ref(): void;
  /** Lets the process exit, which is the default. */
  unref(): void;
}

/** The limits of a watcher's queues. */
export interface WatcherOptions {
  /** The socket's receive buffer in bytes; more than net.core.rmem_max needs CAP_NET_ADMIN. */
  receiveBuffer?: number;
  /** The number of items that may wait for JavaScript; more are dropped and count as `overrun`. */
  queue: number;
}

/** A network device. */
export interface NativeLink {
  /** The interface index. */
  index: number;
  /** The interface name. */
  name: string;
  /** Bits IFF_* (netdevice(7)): 1 up, 0x40 running, 8 loopback. */
  flags: number;
  /** IF_OPER_* (RFC 2863): 6 up, 2 down, 5 dormant, 0 unknown. */
  operationalState?: number;
  /** Whether the device has a carrier, such as a cable or an access point. */
  carrier?: boolean;
  /** The maximum transmission unit in bytes. */
  mtu?: number;
  /** The driver's kind, such as 'veth' or 'bridge'; absent for most hardware. */
  kind?: string;
  /** The index of the link's bridge, bond or VRF. */
  master?: number;
}

/** An address of a link. */
export interface NativeInterfaceAddress {
  /** The index of the link. */
  interface: number;
  /** Is numeric; a link-local one has its `%interface`. */
  address: string;
  /** The length of the network prefix in bits. */
  prefixLength: number;
  /** Bits IFA_F_*: 0x40 tentative, 0x20 deprecated, 8 dadfailed. */
  flags: number;
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  scope: number;
}

/** A route of any table. */
export interface NativeRoute {
  /** The family of the destination. */
  family: 4 | 6;
  /** The network's address; '' for the default route. */
  destination: string;
  /** The length of the destination's prefix in bits. */
  prefixLength: number;
  /** Has several for multipath, and none for routes such as unreachable or blackhole. */
  nextHops: NativeNextHop[];
  /** RT_TABLE_*: 254 main. */
  table: number;
  /** The kernel prefers the route with the lowest metric. */
  metric: number;
  /** The preferred source address. */
  source?: string;
  /** RTN_*: 1 unicast. */
  type: number;
  /** RTPROT_*, which names the route's maker: 2 kernel, 3 boot, 4 static. */
  protocol: number;
}

/** A gateway or link of a route. */
export interface NativeNextHop {
  /**
   * The gateway's address, which may be of another family; absent if the destination is on the
   * link.
   */
  gateway?: string;
  /** The index of the link; 0 if there is none. */
  interface: number;
  /** The next hop's share of a multipath route, from 1. */
  weight: number;
}

/** The fields of sock_diag that connections and subflows share. */
interface NativeDiagSocket {
  /** The address and port of this host. */
  local: Address;
  /** The address and port of the peer. */
  remote: Address;
  /** TCP_*: 1 established, 10 listen (include/net/tcp_states.h). */
  state: number;
  /** The user id of the socket's owner. */
  uid: number;
  /** The socket's inode; 0 once no process holds it. */
  inode: number;
  /** Bytes that wait to be read; of a listener, the connections that wait for accept(). */
  receiveQueue: number;
  /** Bytes that are not acknowledged; of a listener, its backlog. */
  sendQueue: number;
}

/** An MPTCP connection or listener of the namespace. */
export interface NativeConnection extends NativeDiagSocket {
  /** Absent for a listener, and if the kernel hides it. */
  token?: number;
  /** The MPTCP state of the connection. */
  info?: MptcpInfo;
}

/**
 * A TCP socket that is a subflow (INET_ULP_INFO_MPTCP). Before Linux 6.15 the kernel shows it with
 * CAP_NET_ADMIN only.
 */
export interface NativeDiagSubflow extends NativeDiagSocket {
  /** The token of the connection on this host. */
  token: number;
  /** The peer's token, which the host that opened an additional subflow knows. */
  remoteToken?: number;
  /**
   * Bits MPTCP_SUBFLOW_FLAG_*: 4 join remote, 8 join local, 0x10 backup remote, 0x20 backup local.
   */
  flags?: number;
  /** The address id of the local address; 0 for that of the initial subflow. */
  localId?: number;
  /** The address id of the remote address; 0 for that of the initial subflow. */
  remoteId?: number;
  /** The TCP state, if it was requested. */
  tcpInfo?: TcpInfo;
}

/** Selects connections; the kernel applies it. */
export interface DiagFilter {
  /** The local port. */
  localPort?: number;
  /** The remote port. */
  remotePort?: number;
  /** The local address; IPv4 selects v4-mapped ones as well. */
  localAddress?: string;
  /** The remote address; IPv4 selects v4-mapped ones as well. */
  remoteAddress?: string;
  /** Bits 1 << TCP_*; all states if absent. */
  states?: number;
}

/**
 * A dump on a thread of its own, which waits while no next() is pending. A pending next() keeps the
 * process alive.
 */
export interface NativeDump<T> extends NativeBackground {
  /**
   * Calls back with the next batch, or undefined at the end. `restarted` means that a change has
   * interrupted the dump and the batches before are void. Fails with ECANCELED after close(), with
   * EINTR if changes interrupt every attempt, and with ENOENT if the kernel cannot dump MPTCP.
   */
  next(callback: Callback<{ batch: T[]; restarted: boolean } | undefined>): void;
}

/** The classes for the path manager, interfaces and dumps. */
export interface NativePathManager {
  /** Runs commands. */
  Commands: new (netns: string | undefined) => NativeCommands;
  /** Receives the events of the path manager. */
  EventWatcher: new (
    netns: string | undefined,
    options: WatcherOptions,
    deliver: Deliver<NativeEvent>,
  ) => NativeWatcher;
  /** Receives the changes of links, addresses and routes. */
  InterfaceWatcher: new (
    netns: string | undefined,
    options: WatcherOptions,
    deliver: Deliver<NativeInterfaceChange>,
  ) => NativeWatcher;
  /** Dumps the MPTCP connections and listeners. */
  ConnectionDump: new (
    netns: string | undefined,
    filter: DiagFilter,
  ) => NativeDump<NativeConnection>;
  /** Dumps the subflows; `tcpInfo` says whether with their TCP state. */
  SubflowDump: new (
    netns: string | undefined,
    options: { tcpInfo: boolean },
  ) => NativeDump<NativeDiagSubflow>;
}
