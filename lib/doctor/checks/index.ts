/** All checks, in the order in which they are made: a check stands behind those that it needs. */
import type { Check } from '../check';
import { AVAILABILITY } from './availability';
import { ENDPOINTS } from './endpoints';
import { NETWORK } from './network';
import { PROCESSES } from './processes';
import { ROUTING } from './routing';
import { SERVERS } from './servers';
import { USERSPACE } from './userspace';

/** The checks of a network namespace. */
export const NAMESPACE_CHECKS: readonly Check[] = [
  ...AVAILABILITY,
  ...USERSPACE,
  ...ENDPOINTS,
  ...ROUTING,
  ...NETWORK,
  ...SERVERS,
];

/** The checks of one process, which are made where one is given. */
export const PROCESS_CHECKS: readonly Check[] = PROCESSES;
