import diagnostics from 'node:diagnostics_channel';

/**
 * What the package publishes on Node's diagnostics_channel. A peer or a path without MPTCP is normal:
 * it shows here and in `status` alone.
 */
export const channels = {
  /** `{ error }`: this machine cannot speak MPTCP. */
  unavailable: diagnostics.channel('mptcp:unavailable'),
  /** `{ socket, status }`: a client has connected; status is 'mptcp', 'fallback' or 'unknown'. */
  connect: diagnostics.channel('mptcp:connect'),
  /** `{ socket, status }`: a server has accepted a connection and emitted 'connection'. */
  accept: diagnostics.channel('mptcp:accept'),
  /**
   * `{ socket, error }`: a connection that requested MPTCP speaks TCP, from the start or from now
   * on.
   */
  fallback: diagnostics.channel('mptcp:fallback'),
  /**
   * `{ server, remoteAddress, remotePort, error }`: a server that requires MPTCP reset a TCP
   * client.
   */
  rejected: diagnostics.channel('mptcp:rejected'),
  /** `{ socket, address, port }`: SYNs with MPTCP got no answer, and TCP connected instead. */
  tcpRetry: diagnostics.channel('mptcp:tcp-retry'),
  /**
   * `{ socket, ...HintResult }`: `congestionControl: 'auto'` replaced the system's, or restored it.
   */
  congestionControl: diagnostics.channel('mptcp:congestion-control'),
};
