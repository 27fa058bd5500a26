import os from 'node:os';

/** The name of the network interface that has the address now. */
export function interfaceOf(address: string): string | undefined {
  const [bare] = address.split('%');
  return Object.entries(os.networkInterfaces()).find(([, addresses]) =>
    addresses?.some((each) => each.address === bare),
  )?.[0];
}
