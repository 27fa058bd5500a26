import type { Subflow as NativeSubflow } from '../../types/native';

import { interfaceOf } from '../interfaces/local-addresses';

/** One path of a connection. After a fallback, and over TCP, there is one, from TCP_INFO. */
export interface Subflow extends NativeSubflow {
  /** The network interface that has the local address now. */
  interface?: string;
}

export function withInterface(subflow: NativeSubflow): Subflow {
  const name = interfaceOf(subflow.local.address);
  return name === undefined ? subflow : { ...subflow, interface: name };
}
