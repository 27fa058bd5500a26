/** What the commands on endpoints share: their words, and the table of endpoints. */
import { isIP } from 'node:net';
import type { Endpoint, EndpointReference, NetworkInterface, PathManager } from '../index';
import type { Context } from './context';
import { type Keywords, readKeywords, readOptionalNumber } from './keywords';

const MOST_OF_ID = 255;
const MOST_OF_PORT = 65_535;

const isAddress = (word: string): boolean => isIP(word.replace(/%.*/, '')) !== 0;

/** The words of one command on endpoints. */
export interface EndpointWords {
  address: string | undefined;
  id: number | undefined;
  port: number | undefined;
  device: string | undefined;
  flags: Keywords['flags'];
}

/** Reads the words of a command, which takes the given keywords and flags. */
export function readEndpointWords(
  context: Context,
  values: readonly ('id' | 'dev' | 'port')[],
  flags: readonly string[] = [],
): EndpointWords {
  const given = readKeywords(context, { values, flags }, (word) => /[\d:.]/.test(word));
  const [address, another] = given.others;
  if (another !== undefined)
    context.fail(`Unexpected word '${another}': there is an address already`);
  if (address !== undefined && !isAddress(address)) {
    context.fail(`'${address}' is no IPv4 or IPv6 address`);
  }
  return {
    address,
    id: readOptionalNumber(context, given, 'id', 1, MOST_OF_ID),
    port: readOptionalNumber(context, given, 'port', 1, MOST_OF_PORT),
    device: given.values.dev,
    flags: given.flags,
  };
}

/** The endpoint that the words name: by its id, or by its address and port. */
export function referenceOf(
  context: Context,
  { address, id, port }: EndpointWords,
): EndpointReference {
  if (id !== undefined && address !== undefined) {
    context.fail('An endpoint is named by its id or by its address, not by both');
  }
  if (id !== undefined) return id;
  if (address === undefined) context.fail("Name the endpoint: 'id NUMBER', or its address");
  return port === undefined ? address : { address, port };
}

const FLAGS = ['signal', 'subflow', 'backup', 'fullmesh', 'implicit', 'laminar'] as const;

/** The flags of an endpoint in words. */
const flagsInWords = (endpoint: Endpoint): string =>
  FLAGS.filter((flag) => endpoint[flag]).join(', ') || 'none';

const stateOf = ({ up, running }: NetworkInterface): string => {
  if (!up) return 'switched off';
  return running ? 'up' : 'without carrier';
};

const withoutScope = (address: string): string => address.replace(/%.*/, '');

/** Prints endpoints with the state of their interfaces and the number of subflows that use them. */
export async function printEndpoints(
  context: Context,
  pm: PathManager,
  endpoints: readonly Endpoint[],
): Promise<void> {
  if (context.json) {
    context.printJson(endpoints);
    return;
  }
  const interfaces = await pm.interfaces.list();
  const uses = new Map<string, number>();
  for await (const { subflows = [] } of pm.connections()) {
    for (const { local } of subflows) {
      const address = withoutScope(local.address);
      uses.set(address, (uses.get(address) ?? 0) + 1);
    }
  }
  const rows = endpoints.map((endpoint) => {
    const address = withoutScope(endpoint.address);
    const owner = interfaces.find(({ addresses }) =>
      addresses.some((each) => withoutScope(each.address) === address),
    );
    const state = owner === undefined ? 'no interface' : `${owner.name}, ${stateOf(owner)}`;
    return [
      String(endpoint.id),
      endpoint.address,
      String(endpoint.port ?? ''),
      flagsInWords(endpoint),
      endpoint.interface ?? (endpoint.interfaceIndex === undefined ? 'any' : 'gone'),
      state,
      String(uses.get(address) ?? 0),
    ];
  });
  const headings = ['Id', 'Address', 'Port', 'Flags', 'Bound to', 'Address is on', 'Subflows'];
  context.printTable(headings, rows);
}
