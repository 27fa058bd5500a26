import os from 'node:os';
import { canonicalAddress, familyOf, type IpFamily } from '../base/addresses';
import { MptcpError } from '../base/errors';

export interface LocalAddress {
  address: string;
  interface?: string;
}

/** The addresses of interfaces that are up from which another host can be reached. */
export function usableAddresses(family: IpFamily): Required<LocalAddress>[] {
  return Object.entries(os.networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ address, internal }) => !internal && familyOf(address) === family)
      .filter(({ address }) => !/^fe[89ab]/i.test(address)) // of one link
      .map(({ address }) => ({ address: canonicalAddress(address), interface: name })),
  );
}

/** Where a new subflow is to begin: on an interface of that name, else on one that is not `used`. */
export function chooseLocal(
  family: IpFamily,
  name: string | undefined,
  used: readonly (string | undefined)[],
): LocalAddress {
  const usable = usableAddresses(family);
  const found = usable.find((each) =>
    name === undefined ? !used.includes(each.interface) : each.interface === name,
  );
  if (found) return found;
  throw new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    name === undefined
      ? `Each interface with an IPv${family} address has a subflow already: say local for another one`
      : `No interface ${name} is up with an IPv${family} address`,
  );
}

/** The name of the network interface that has the address now. */
export function interfaceOf(address: string): string | undefined {
  const [bare] = address.split('%');
  return Object.entries(os.networkInterfaces()).find(([, addresses]) =>
    addresses?.some((each) => each.address === bare),
  )?.[0];
}
