/** What the checks judge: everything that doctor() has read, as plain values. */
import type { Endpoint } from '../endpoints/endpoint';
import type { LimitValues } from '../endpoints/limits';
import type { NetworkInterface, NetworkRoute } from '../interfaces/interface';
import type { NamespaceConnection } from '../kernel/sock-diag';
import type { ModeState } from '../userspace/mode';
import type { ExaminedProcess } from './reading/examined-process';
import type { NftRule } from './reading/nftables';
import type { ProcessStatus } from './reading/process-status';
import type { WritingProcess } from './reading/processes';

/** A connection of the namespace, and who manages its paths. */
export interface JudgedConnection extends NamespaceConnection {
  /** This host has connected, as far as no MPTCP socket listens at its port. */
  outgoing: boolean;
  /** The addresses that a userspace path manager has given it; undefined: the kernel manages it. */
  userspace?: Endpoint[];
}

/** The kernel's answer about the route from a local address to a peer. */
export interface PathRoute {
  /** The local address, and the interface that has it. */
  local: string;
  /** The name of the interface that has the local address. */
  interface: string;
  /** The address of the peer. */
  peer: string;
  /** Whether an endpoint binds subflows from this address to its interface. */
  bound: boolean;
  /** The route of a subflow; undefined where there is none. */
  route?: { interface: string; gateway?: string };
  /** The interface at which packets from the peer are expected, as rp_filter computes it. */
  reverse?: string;
}

/** Whether this process can open MPTCP sockets, and what the kernel says if not. */
export interface SocketProbe {
  /** Whether a socket could be opened. */
  ok: boolean;
  /** The error's message. */
  message?: string;
}

/** What this kernel can do, as far as it matters. */
export interface KernelFeatures {
  /** The release, as `uname -r` prints it. */
  release: string;
  /** Features that it lacks, and the Linux release that has them. */
  lacks: { feature: string; since: string }[];
}

/** Everything that is read. A part that could not be read is absent, and {@link Reading.unread} says why. */
export interface State {
  /** Whether the addon could be loaded. */
  addon: { ok: boolean; message?: string };
  /** Whether the kernel has MPTCP: its sysctls and its path manager. */
  hasMptcp: boolean;
  /** The kernel's features. */
  kernel: KernelFeatures;
  /** Settings below /proc/sys, by name; those that this kernel lacks are absent. */
  sysctls: Readonly<Record<string, string>>;
  /** Whether MPTCP sockets can be opened by this process. */
  socket: SocketProbe;
  /** The capabilities and the confinement of this process. */
  self: ProcessStatus;
  /** Who manages the paths of new connections. */
  mode: ModeState;
  /** The limits of the in-kernel path manager. */
  limits: LimitValues;
  /** The endpoints of the in-kernel path manager. */
  endpoints: Endpoint[];
  /** Links and their addresses. */
  interfaces: NetworkInterface[];
  /** The routes of all tables. */
  routes: NetworkRoute[];
  /** The routes from local addresses to peers. */
  paths: PathRoute[];
  /** The local addresses at which the kernel begins connections to the peers. */
  origins: string[];
  /** Counters of the network stack, by the names of nstat(8). */
  counters: Readonly<Record<string, number>>;
  /** Where MPTCP sockets listen. */
  listeners: { address: string; port: number; inode?: number }[];
  /** The connections of the namespace. */
  connections: JudgedConnection[];
  /** What this host does. */
  role: { client: boolean; server: boolean };
  /** Processes of this namespace that are known to write endpoints. */
  writers: WritingProcess[];
  /** The process that was given. */
  process: ExaminedProcess;
  /** Rules of nftables about MPTCP's options. */
  firewall: NftRule[];
}

/** What was read, and why the rest was not. */
export interface Reading {
  state: Partial<State>;
  unread: Partial<Record<keyof State, string>>;
}
