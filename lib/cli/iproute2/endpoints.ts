/** `ip mptcp endpoint`: reads its words as iproute2 does, and prints endpoints byte for byte. */
import type { Endpoint, PathManager, PathManagerCommand } from '../../index';
import { answerText, EXIT, incomplete, IpExit, missing, refusal, wrong } from './exit';
import { writeJson } from './json';
import { FLAG_BITS, type Profile, type Session } from './session';
import { ANY, isInterfaceName, matches, readAddress, readUnsigned } from './values';

const { SIGNAL, BACKUP, FULLMESH } = FLAG_BITS;
const MOST_OF_ID = 0xff;
const MOST_OF_PORT = 0xffff;

type Verb = 'add' | 'change' | 'delete' | 'show';

/** What words of `ip mptcp endpoint` say; 0 stands for what they do not. */
interface Words {
  address?: string;
  id?: number;
  index: number;
  port: number;
  flags: number;
}

/** The index of an interface: by its name, or by a name such as 'if2'; 0: there is none. */
async function indexOf(name: string, pm: PathManager): Promise<number> {
  const found = (await pm.interfaces.list()).find((each) => each.name === name);
  if (found) return found.index;
  return Number(/^if\+?(\d+)/.exec(name)?.[1] ?? 0);
}

function checkFlags(verb: Verb, flags: number, word: string): void {
  if (verb === 'add' && flags & SIGNAL && flags & FULLMESH) {
    throw wrong(word, "flags mustn't have both signal and fullmesh");
  }
  if (verb === 'change' && flags & ~(BACKUP | FULLMESH)) {
    throw wrong(word, 'invalid flags, backup and fullmesh only');
  }
}

function checkTogether(verb: Verb, { address, id, flags, port }: Words, profile: Profile): void {
  if (verb === 'add' && address === undefined) throw missing('ADDRESS');
  if (verb === 'delete') {
    if (id === undefined) throw missing('ID');
    if (id !== 0 && address !== undefined) {
      throw wrong('ADDRESS', 'invalid for non-zero id address\n');
    }
    if (id === 0 && address === undefined) {
      throw wrong('ID', 'address is needed for deleting id 0 address\n');
    }
  } else if (id === 0 && profile.refusesIdZero) {
    throw wrong('ID', 'cannot be 0\n');
  }
  if (verb === 'add' && port !== 0 && !(flags & SIGNAL)) {
    throw wrong('port', 'flags must have signal when using port');
  }
  if (verb === 'change' && id !== undefined && port !== 0) {
    throw wrong('port', "port can't be used with id");
  }
}

/** Reads the words in their order, so that the first wrong one is reported. */
async function read(words: readonly string[], verb: Verb, session: Session): Promise<Words> {
  const pm = await session.pm();
  const { flags: known } = session.profile;
  const given: Words = { index: 0, port: 0, flags: 0 };
  const rest = [...words];
  const next = (): string => {
    const word = rest.shift();
    if (word === undefined) throw incomplete();
    return word;
  };
  while (rest.length > 0) {
    const word = next();
    if (Object.hasOwn(known, word) || word === 'nobackup' || word === 'nofullmesh') {
      given.flags |= known[word] ?? 0;
      checkFlags(verb, given.flags, word);
    } else if (matches(word, 'id')) {
      const value = next();
      const id = readUnsigned(value, MOST_OF_ID);
      if (id === undefined) throw wrong(value, 'invalid ID\n');
      given.id = id;
    } else if (matches(word, 'dev')) {
      const name = next();
      if (!isInterfaceName(name)) throw wrong(name, 'invalid interface name\n');
      given.index = await indexOf(name, pm);
      if (given.index === 0) throw wrong(name, 'device does not exist\n');
    } else if (matches(word, 'port')) {
      const value = next();
      const port = readUnsigned(value, MOST_OF_PORT);
      if (port === undefined) throw wrong(value, 'expected port');
      given.port = port;
    } else {
      given.address = readAddress(word);
    }
  }
  checkTogether(verb, given, session.profile);
  return given;
}

/** What the kernel says of an attribute for IPv6 that has no bytes, as iproute2 sends it. */
const noAddress = (): IpExit =>
  new IpExit(EXIT.KERNEL, answerText({ extack: 'binary attribute size out of range' }), true);

async function run(command: PathManagerCommand, session: Session): Promise<void> {
  const pm = await session.pm();
  await pm.run(command).catch((error: unknown) => {
    throw refusal(error);
  });
}

/** `ip mptcp endpoint add` */
export async function addEndpoint(words: readonly string[], session: Session): Promise<void> {
  const { address = ANY, id = 0, index, port, flags } = await read(words, 'add', session);
  if (address === ANY) throw noAddress();
  const endpoint = { address, id, port, flags, interface: index };
  await run({ command: 'addEndpoint', endpoint }, session);
}

/** `ip mptcp endpoint change`: an address, where one is given, counts more than an id. */
export async function changeEndpoint(words: readonly string[], session: Session): Promise<void> {
  const { address, id = 0, flags, port } = await read(words, 'change', session);
  if (address === ANY) throw noAddress();
  const name = address === undefined ? { id } : { id: 0, address, ...(port !== 0 && { port }) };
  await run({ command: 'setEndpointFlags', ...name, flags }, session);
}

/** `ip mptcp endpoint delete` */
export async function deleteEndpoint(words: readonly string[], session: Session): Promise<void> {
  const { address, id = 0 } = await read(words, 'delete', session);
  if (address === ANY) throw noAddress();
  const name = address === undefined ? {} : { address };
  await run({ command: 'deleteEndpoint', id, ...name }, session);
}

/** `ip mptcp endpoint flush`, which ignores further words. */
export async function flushEndpoints(session: Session): Promise<void> {
  await run({ command: 'flushEndpoints' }, session);
}

/** `ip mptcp endpoint show` */
export async function showEndpoints(words: readonly string[], session: Session): Promise<void> {
  const pm = await session.pm();
  let endpoints: Endpoint[];
  if (words.length === 0) {
    endpoints = await pm.endpoints.list().catch((error: unknown) => {
      const { exitCode, text } = refusal(error);
      throw new IpExit(exitCode, `${text}Dump terminated\n`, true);
    });
  } else {
    const { id = 0, address } = await read(words, 'show', session);
    if (address === ANY) throw noAddress();
    // The kernel looks for the id alone; where only an address is given, it finds nothing.
    if (id === 0) throw new IpExit(EXIT.KERNEL, answerText({ extack: 'address not found' }), true);
    endpoints = [
      await pm.endpoints.get(id).catch((error: unknown) => {
        throw refusal(error);
      }),
    ];
  }
  print(endpoints, session);
}

function print(endpoints: readonly Endpoint[], { options, profile, stdout }: Session): void {
  const fields = endpoints.map((endpoint) => fieldsOf(endpoint, profile));
  if (options.json) {
    stdout.write(
      writeJson(
        fields.map((each) => Object.fromEntries(each)),
        options.pretty,
      ),
    );
    return;
  }
  for (const each of fields) stdout.write(`${each.map(wordsOf).join('')}\n`);
}

type Field = readonly [name: string, value: string | number | true];

const wordsOf = ([name, value]: Field): string => {
  if (value === true) return `${name} `;
  return name === 'address' ? `${value} ` : `${name} ${value} `;
};

function fieldsOf(endpoint: Endpoint, { flags: known }: Profile): Field[] {
  const { address, port, id, flags, interfaceIndex } = endpoint;
  const names = Object.keys(known).filter((name) => flags & (known[name] ?? 0));
  const others = Object.values(known).reduce((rest, bit) => rest & ~bit, flags) >>> 0;
  return [
    ['address', address.replace(/%.*/, '')],
    ...(port === undefined ? [] : [['port', port] as const]),
    ['id', id],
    ...names.map((name) => [name, true] as const),
    ...(others === 0 ? [] : [['rawflags', others.toString(16).padStart(2, '0')] as const]),
    ...(interfaceIndex === undefined
      ? []
      : [['dev', endpoint.interface ?? `if${interfaceIndex}`] as const]),
  ];
}
