import diagnostics from 'node:diagnostics_channel';

/**
 * What the library tells without being asked, on Node's diagnostics_channel. A peer or a path
 * without MPTCP is normal: it shows here and in `status` alone.
 */
export const channels = {
  /** `{ error }`: this machine cannot speak MPTCP. */
  unavailable: diagnostics.channel('mptcp:unavailable'),
  /** `{ socket, status }`: a client's connection is made; status is 'mptcp', 'fallback' or 'unknown'. */
  connect: diagnostics.channel('mptcp:connect'),
  /** `{ socket, status }`: a server has taken a connection and emitted 'connection'. */
  accept: diagnostics.channel('mptcp:accept'),
  /** `{ socket, error }`: a connection that wanted MPTCP speaks TCP, from the start or from now on. */
  fallback: diagnostics.channel('mptcp:fallback'),
  /** `{ server, remoteAddress, remotePort, error }`: a server that requires MPTCP reset a TCP client. */
  rejected: diagnostics.channel('mptcp:rejected'),
  /** `{ socket, address, port }`: SYNs with MPTCP were lost on the way, TCP connected instead. */
  tcpRetry: diagnostics.channel('mptcp:tcp-retry'),
  /** `{ socket, ...HintResult }`: `congestionControl: 'auto'` chose another, or undid that. */
  congestionControl: diagnostics.channel('mptcp:congestion-control'),
};
