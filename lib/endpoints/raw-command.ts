/** Commands of the in-kernel path manager as the kernel takes them: see PathManager's run(). */
import type { Abortable } from '../base/abort';
import {
  checkAddress,
  checkId,
  checkIfGiven,
  checkInteger,
  checkKeys,
  checkObject,
  checkOneOf,
  checkPort,
  type Keys,
} from '../base/arguments';
import type { Commands } from '../kernel/commands';

/** MPTCP_PM_CMD_ADD_ADDR: nothing is read back, and a flag that this kernel does not know is lost. */
export interface AddEndpointCommand {
  /** The command. */
  command: 'addEndpoint';
  /** The endpoint. */
  endpoint: RawEndpoint;
}

/** An endpoint as the kernel takes it. */
export interface RawEndpoint {
  /** A numeric address. */
  address: string;
  /** The port at which it listens for joins; 0: none of its own. */
  port: number;
  /** The address id; 0: the kernel chooses one. */
  id: number;
  /** MPTCP_PM_ADDR_FLAG_* */
  flags: number;
  /** The index of the interface; 0: any. */
  interface: number;
}

/** MPTCP_PM_CMD_DEL_ADDR */
export interface DeleteEndpointCommand {
  /** The command. */
  command: 'deleteEndpoint';
  /** The address id; 0 stands for the first subflows from `address`. */
  id: number;
  /** A numeric address; it counts with the id 0 alone. */
  address?: string;
}

/** MPTCP_PM_CMD_FLUSH_ADDRS */
export interface FlushEndpointsCommand {
  /** The command. */
  command: 'flushEndpoints';
}

/** MPTCP_PM_CMD_SET_FLAGS: sets backup and fullmesh as `flags` has them, both at once. */
export interface SetEndpointFlagsCommand {
  /** The command. */
  command: 'setEndpointFlags';
  /** The address id; 0: the endpoint is named by its address and port. */
  id: number;
  /** A numeric address; it counts with the id 0 alone. */
  address?: string;
  /** The endpoint's own port, beside `address`. */
  port?: number;
  /** MPTCP_PM_ADDR_FLAG_BACKUP (4) and MPTCP_PM_ADDR_FLAG_FULLMESH (8). */
  flags: number;
}

/** MPTCP_PM_CMD_SET_LIMITS: one that is not given stays as it is. */
export interface SetLimitsCommand {
  /** The command. */
  command: 'setLimits';
  /** Subflows that a connection may have beyond its first. */
  subflows?: number;
  /** Announced addresses that a connection may accept from its peer. */
  addAddrAccepted?: number;
}

/** A change of the in-kernel path manager, as the kernel takes it. */
export type PathManagerCommand =
  | AddEndpointCommand
  | DeleteEndpointCommand
  | FlushEndpointsCommand
  | SetEndpointFlagsCommand
  | SetLimitsCommand;

const MOST = 0xffff_ffff;

const RAW_ENDPOINT_KEYS: Keys<RawEndpoint> = {
  ...{ address: true, port: true, id: true, flags: true, interface: true },
};

/** The checks of each command's arguments, made before any system call. */
const CHECKS: Readonly<
  Record<PathManagerCommand['command'], (command: PathManagerCommand) => void>
> = {
  addEndpoint(command) {
    checkKeys<AddEndpointCommand>('command', command, { command: true, endpoint: true });
    checkKeys<RawEndpoint>('command.endpoint', command.endpoint, RAW_ENDPOINT_KEYS);
    const { address, port, id, flags, interface: index } = command.endpoint;
    checkAddress('command.endpoint.address', address);
    checkPort('command.endpoint.port', port, 0);
    checkId('command.endpoint.id', id, 0);
    checkInteger('command.endpoint.flags', flags, 0, MOST);
    checkInteger('command.endpoint.interface', index, 0, 0x7fff_ffff);
  },
  deleteEndpoint(command) {
    const keys: Keys<DeleteEndpointCommand> = { command: true, id: true, address: true };
    checkKeys<DeleteEndpointCommand>('command', command, keys);
    checkId('command.id', command.id, 0);
    checkIfGiven(checkAddress, 'command.address', command.address);
  },
  flushEndpoints(command) {
    checkKeys<FlushEndpointsCommand>('command', command, { command: true });
  },
  setEndpointFlags(command) {
    checkKeys<SetEndpointFlagsCommand>('command', command, {
      ...{ command: true, id: true, address: true, port: true, flags: true },
    });
    checkId('command.id', command.id, 0);
    checkIfGiven(checkAddress, 'command.address', command.address);
    checkIfGiven(checkPort, 'command.port', command.port);
    checkInteger('command.flags', command.flags, 0, MOST);
  },
  setLimits(command) {
    checkKeys<SetLimitsCommand>('command', command, {
      ...{ command: true, subflows: true, addAddrAccepted: true },
    });
    checkIfGiven(checkInteger, 'command.subflows', command.subflows, 0, MOST);
    checkIfGiven(checkInteger, 'command.addAddrAccepted', command.addAddrAccepted, 0, MOST);
  },
};

/** Sends a command to the kernel after its arguments were checked. */
export async function runCommand(
  commands: Commands,
  command: PathManagerCommand,
  abort?: Abortable,
): Promise<void> {
  checkObject('command', command);
  const names = Object.keys(CHECKS) as PathManagerCommand['command'][];
  checkOneOf('command.command', command.command, names);
  CHECKS[command.command](command);
  await commands.run(command, abort);
}
