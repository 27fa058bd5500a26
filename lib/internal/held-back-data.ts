/**
 * A server may write so soon that its new connection's subflow cannot send yet. The kernel (6.18)
 * then keeps what was written until more is, and has no timer for it: a protocol in which the server
 * speaks first would wait for ever, once in 50,000 to 150,000 connections over loopback.
 */
import { loadNative } from '../kernel/addon';
import type { TcpHandle } from '../sockets/node/handle';

/** Taking a cork away, also where there is none, sends what waits (kernel: net/mptcp/sockopt.c). */
export function sendHeldBack({ fd }: TcpHandle): void {
  try {
    loadNative()?.setOption(fd, 'TCP_CORK', 0);
  } catch {
    // not of MPTCP sockets before Linux 5.17
  }
}
