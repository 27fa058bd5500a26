import { incomplete, refusal, wrong } from './exit';
import type { Session } from './session';
import { matches, readUnsigned } from './values';

const MOST = 0xffff_ffff;

/** The limits that the words of `ip mptcp limits set` name, or of `show`, which ignores them. */
function readLimits(words: readonly string[]): { subflows?: number; addAddrAccepted?: number } {
  const limits: ReturnType<typeof readLimits> = {};
  for (let i = 0; i < words.length; i += 2) {
    const [keyword = '', value] = words.slice(i);
    const isSubflows = matches(keyword, 'subflows');
    if (!isSubflows && !matches(keyword, 'add_addr_accepted'))
      throw wrong(keyword, 'unknown limit');
    if (value === undefined) throw incomplete();
    const number = readUnsigned(value, MOST);
    const name = isSubflows ? 'subflows' : 'add_addr_accepted';
    if (number === undefined) throw wrong(value, `invalid ${name}\n`);
    if (isSubflows) limits.subflows = number;
    else limits.addAddrAccepted = number;
  }
  return limits;
}

/** `ip mptcp limits set` */
export async function setLimits(words: readonly string[], session: Session): Promise<void> {
  const pm = await session.pm();
  const limits = readLimits(words);
  await pm.run({ command: 'setLimits', ...limits }).catch((error: unknown) => {
    throw refusal(error);
  });
}

/** `ip mptcp limits show`, which prints no JSON in any release. */
export async function showLimits(words: readonly string[], session: Session): Promise<void> {
  const pm = await session.pm();
  readLimits(words);
  const limits = await pm.limits.get().catch((error: unknown) => {
    throw refusal(error);
  });
  const { addAddrAccepted, subflows } = limits;
  session.stdout.write(`add_addr_accepted ${addAddrAccepted} subflows ${subflows} \n`);
}
