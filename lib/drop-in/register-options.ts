/**
 * Parses the environment variable NODE_MPTCP: words `key=value`, divided by spaces.
 *
 *   mode=prefer|require|off      the mode of connections and servers alike
 *   connect=…  listen=…          the mode of connections alone, of servers alone
 *   congestionControl=NAME       the hint of that name
 *   exclude=ADDRESS[/BITS][:PORT] | :PORT    what stays TCP: remote addresses and ports when
 *                                connecting, local ones when listening; several are divided by
 *                                commas, and IPv6 with a port stands in brackets
 */
import net from 'node:net';
import { invalidArgValue } from '../base/arguments';
import { lazily } from '../base/lazy';
import { checkMptcpOptions, type Settings } from '../sockets/options';

const VARIABLE = 'NODE_MPTCP';
const KEYS = ['mode', 'connect', 'listen', 'congestionControl', 'exclude'];

function parseWords(text: string): Map<string, string> {
  const words = new Map<string, string>();
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    const [key = '', ...value] = word.split('=');
    if (!KEYS.includes(key) || value.length === 0) {
      throw invalidArgValue(
        VARIABLE,
        word,
        `takes words key=value with the keys ${KEYS.join(', ')}${meant(key)}`,
      );
    }
    if (words.has(key)) throw invalidArgValue(VARIABLE, word, `gives ${key} twice`);
    words.set(key, value.join('='));
  }
  return words;
}

const nearest = lazily(
  () => (require('../base/suggestion') as typeof import('../base/suggestion')).nearest,
);

/** Names the key that may be meant. */
function meant(key: string): string {
  const found = KEYS.includes(key) ? undefined : nearest(key, KEYS);
  return found === undefined ? '' : `; did you mean ${found}?`;
}

interface Exclusion {
  addresses?: net.BlockList;
  port?: number;
}

const EXCLUSION =
  /^(?:\[(?<bracketed>[^\]/]+)(?:\/(?<bracketedBits>\d+))?\]|(?<v6>[^/[\]]*:[^/[\]]*:[^/[\]]*)(?:\/(?<v6Bits>\d+))?|(?<v4>[^/:[\]]+)(?:\/(?<v4Bits>\d+))?)?(?::(?<port>\d+))?$/;

function parseExclusion(text: string): Exclusion {
  const wrong = (): TypeError =>
    invalidArgValue(VARIABLE, text, 'has an exclude that is no address, network or port');
  const groups = EXCLUSION.exec(text)?.groups;
  if (!groups) throw wrong();
  const address = groups.bracketed ?? groups.v6 ?? groups.v4;
  const bits = groups.bracketedBits ?? groups.v6Bits ?? groups.v4Bits;
  const port = groups.port === undefined ? undefined : Number(groups.port);
  if (address === undefined && port === undefined) throw wrong();
  if (port !== undefined && (port < 1 || port > 65535)) throw wrong();
  if (address === undefined) return { ...(port !== undefined && { port }) };
  const family = net.isIP(address);
  if (family === 0) throw wrong();
  const most = family === 4 ? 32 : 128;
  if (Number(bits ?? 0) > most) throw wrong();
  const addresses = new net.BlockList();
  addresses.addSubnet(address, Number(bits ?? most), `ipv${family}` as 'ipv4' | 'ipv6');
  return { addresses, ...(port !== undefined && { port }) };
}

function matches({ addresses, port }: Exclusion, address: string, given: number): boolean {
  if (port !== undefined && port !== given) return false;
  return addresses?.check(address, net.isIPv4(address) ? 'ipv4' : 'ipv6') ?? true;
}

/**
 * Returns the default settings of connections and of servers; `text` is the value of NODE_MPTCP, and
 * excludes nothing by default. ERR_INVALID_ARG_VALUE names the word that is wrong.
 */
export function parseRegisterOptions(text = ''): { connect: Settings; listen: Settings } {
  const words = parseWords(text);
  const exclusions = (words.get('exclude') ?? '')
    .split(',')
    .filter((each) => each !== '')
    .map(parseExclusion);
  const settings = (key: string): Settings => ({
    ...checkMptcpOptions(
      {
        mode: words.get(key) ?? words.get('mode') ?? 'prefer',
        hints: { congestionControl: words.get('congestionControl') ?? 'auto' },
      },
      VARIABLE,
    ),
    ...(exclusions.length > 0 && {
      excludes: (address: string, port: number) =>
        exclusions.some((exclusion) => matches(exclusion, address, port)),
    }),
  });
  return { connect: settings('connect'), listen: settings('listen') };
}
