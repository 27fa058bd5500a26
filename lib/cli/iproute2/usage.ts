import { EXIT, IpExit } from './exit';
import type { Profile } from './session';

/** What `ip mptcp help` prints. */
export function usage({ flags }: Profile): IpExit {
  const names = ['signal', 'subflow', 'laminar', 'backup', 'fullmesh'];
  const known = names.filter((name) => Object.hasOwn(flags, name)).join(' | ');
  const text = [
    'Usage:\tip mptcp endpoint add ADDRESS [ dev NAME ] [ id ID ]',
    '\t\t\t\t      [ port NR ] [ FLAG-LIST ]',
    '\tip mptcp endpoint delete id ID [ ADDRESS ]',
    '\tip mptcp endpoint change [ id ID ] [ ADDRESS ] [ port NR ] CHANGE-OPT',
    '\tip mptcp endpoint show [ id ID ]',
    '\tip mptcp endpoint flush',
    '\tip mptcp limits set [ subflows NR ] [ add_addr_accepted NR ]',
    '\tip mptcp limits show',
    '\tip mptcp monitor',
    'FLAG-LIST := [ FLAG-LIST ] FLAG',
    `FLAG  := [ ${known} ]`,
    'CHANGE-OPT := [ backup | nobackup | fullmesh | nofullmesh ]',
  ];
  return new IpExit(EXIT.ERROR, text.map((line) => `${line}\n`).join(''));
}
