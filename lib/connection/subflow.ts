import type { Subflow as NativeSubflow } from '../../types/native';
import { interfaceOf } from '../interfaces/local-addresses';

/** One path of a connection. After a fallback, and over TCP, there is one, read from TCP_INFO. */
export interface Subflow extends NativeSubflow {
  /** The name of the network interface that has the local address now; undefined: none has it. */
  interface?: string;
}

/** The public form of a subflow, with the name of its interface. */
export function withInterface(subflow: NativeSubflow): Subflow {
  const name = interfaceOf(subflow.local.address);
  return name === undefined ? subflow : { ...subflow, interface: name };
}
