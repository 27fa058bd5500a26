/** The options of ip(8) before its object: those that `ip mptcp` ignores are read and ignored. */
import { EXIT, incomplete, IpExit, wrong } from './exit';
import { PROFILES, type IpOptions, type Profile } from './session';
import { usage } from './usage';
import { matches, readUnsigned } from './values';

/** What stands before the command. */
export interface Leading extends IpOptions {
  profile: Profile;
  netns?: string;
  batch?: string;
  force: boolean;
  /** The words after the options. */
  words: string[];
}

/** Options with a value and without, in the order in which ip(8) compares abbreviations. */
const OPTIONS = [
  ...['loops', 'family', '4', '6', '0', 'M', 'B', 'human-readable', 'iec', 'statistics', 'stats'],
  ...['details', 'resolve', 'oneline', 'timestamp', 'tshort', 'Version', 'force', 'batch', 'brief'],
  ...['json', 'pretty', 'rcvbuf', 'color', 'help', 'netns', 'Numeric', 'all'],
] as const;
const EXACT: readonly string[] = ['4', '6', '0', 'M', 'B'];
const FAMILIES = ['inet', 'inet6', 'link', 'mpls', 'bridge'];
const PROFILE = /^--iproute2(?:=(.*))?$/;

function nameOf(option: string): (typeof OPTIONS)[number] | undefined {
  if (/^-c(?:o(?:l(?:or?)?)?)?(?:=(?:always|auto|never))?$/.test(option)) return 'color';
  return OPTIONS.find((name) =>
    EXACT.includes(name) ? option === `-${name}` : matches(option, `-${name}`),
  );
}

function profileOf(name: string): Profile {
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (profile) return profile;
  const known = Object.keys(PROFILES).join(' or ');
  throw new IpExit(2, `mptcp: Unknown release '${name}' of iproute2: it must be ${known}\n`);
}

/** Reads the options before the command. */
export function readOptions(args: readonly string[]): Leading {
  const given: Leading = {
    ...{ json: false, pretty: false, timestamp: 'none', force: false, words: [...args] },
    profile: profileOf('6.1'),
  };
  const { words } = given;
  const value = (): string => {
    const word = words.shift();
    if (word === undefined) throw usage(given.profile);
    return word;
  };
  for (let word = words[0]; word?.startsWith('-'); word = words[0]) {
    words.shift();
    const profile = PROFILE.exec(word);
    if (profile) {
      given.profile = profileOf(profile[1] ?? '6.1');
      continue;
    }
    if (word === '--') break;
    const option = word.startsWith('--') ? word.slice(1) : word;
    switch (nameOf(option)) {
      case undefined:
        throw new IpExit(EXIT.ERROR, `Option "${option}" is unknown, try "ip -help".\n`);
      case 'loops':
        value();
        break;
      case 'family': {
        const family = value();
        if (family === 'help') throw usage(given.profile);
        if (!FAMILIES.includes(family)) throw wrong(family, 'invalid protocol family');
        break;
      }
      case 'timestamp':
        if (given.timestamp === 'none') given.timestamp = 'long';
        break;
      case 'tshort':
        given.timestamp = 'short';
        break;
      case 'force':
        given.force = true;
        break;
      case 'batch':
        given.batch = value();
        break;
      case 'json':
        given.json = true;
        break;
      case 'pretty':
        given.pretty = true;
        break;
      case 'rcvbuf': {
        const size = value();
        if (readUnsigned(size, 0xffff_ffff) === undefined) {
          throw new IpExit(EXIT.ERROR, `Invalid rcvbuf size '${size}'\n`);
        }
        break;
      }
      case 'help':
        throw usage(given.profile);
      case 'netns': {
        const netns = words.shift();
        if (netns === undefined) throw incomplete();
        given.netns = netns;
        break;
      }
      default: // changes nothing that `ip mptcp` prints
    }
  }
  return given;
}
