/** The policies of this package, exported as `policies`. */
export { aggregate } from './aggregate';
export { all } from './all';
export { backup, type BackupOptions } from './backup';
export { dataCap, type DataCapOptions } from './data-cap';
export { fullmesh } from './fullmesh';
export { handover, type HandoverOptions } from './handover';
export { heal, type HealOptions } from './heal';
export { interactive, type InteractiveOptions } from './interactive';
export type { InterfaceMatch } from './interface-match';
export { ndiffports } from './ndiffports';
export { perInterface, type PerInterfaceOptions } from './per-interface';
export { signalAll, type SignalAllOptions } from './signal-all';
