/** The addresses of this host at which new subflows can begin. */
import type { Abortable } from '../base/abort';
import { familyOf, type IpFamily } from '../base/addresses';
import { MptcpError } from '../base/errors';
import type { Commands } from '../kernel/commands';
import { isUsable } from './interface';
import { listInterfaces } from './interfaces';
import type { LocalAddress } from './local-addresses';

/** The addresses of one family that {@link isUsable} accepts, in the kernel's order. */
export async function usableAddresses(
  commands: Commands,
  family: IpFamily,
  abort?: Abortable,
): Promise<Required<LocalAddress>[]> {
  const interfaces = await listInterfaces(commands, abort);
  return interfaces.flatMap((link) =>
    link.addresses
      .filter((each) => familyOf(each.address) === family && isUsable(each, link))
      .map(({ address }) => ({ address, interface: link.name })),
  );
}

/** Chooses where a new subflow begins: on the interface `name`, else on one that is not `used`. */
export async function chooseLocal(
  commands: Commands,
  family: IpFamily,
  { name, used }: { name: string | undefined; used: readonly (string | undefined)[] },
  abort?: Abortable,
): Promise<LocalAddress> {
  const usable = await usableAddresses(commands, family, abort);
  const found = usable.find((each) =>
    name === undefined ? !used.includes(each.interface) : each.interface === name,
  );
  if (found) return found;
  const link =
    name === undefined
      ? undefined
      : (await listInterfaces(commands, abort)).find((each) => each.name === name);
  if (name !== undefined && !link) {
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `No interface is called ${name}: pm.interfaces.list() gives those that there are`,
    );
  }
  if (link?.loopback) {
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `The interface ${link.name} is the loopback, where no address is chosen: give options.local.address to add a subflow from there`,
    );
  }
  throw new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    name === undefined
      ? `Every interface with a usable IPv${family} address has a subflow already: give options.local.address or options.local.interface to add another one there`
      : `The interface ${name} has no usable IPv${family} address: pm.interfaces.list() gives the addresses that there are, and whether they are running, tentative or deprecated`,
  );
}
