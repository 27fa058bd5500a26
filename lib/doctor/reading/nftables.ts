/** Rules of nftables, and of iptables above it, that drop or strip the options of MPTCP. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { namespacePath } from './processes';

/** A rule that acts upon MPTCP's options. */
export interface NftRule {
  /** The family, table and chain, as `nft` names them: 'inet filter input'. */
  chain: string;
  /** The number by which `nft delete rule` names the rule. */
  handle: number;
  /** What happens to the segments. */
  effect: 'drop' | 'strip';
}

interface RawRule {
  family: string;
  table: string;
  chain: string;
  handle: number;
  expr?: Record<string, unknown>[];
}

/** The kind of MPTCP's option (RFC 8684 section 3). */
const OPTION_KIND = 30;
const LONGEST_OUTPUT = 64 << 20;
const PATIENCE = 5000;

/** Whether a value of nft's JSON names the option of MPTCP at any depth. */
function namesOption(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const option = (value as Record<string, unknown>)['tcp option'] as
    { name?: string; base?: number } | undefined;
  if (option?.name === 'mptcp' || option?.base === OPTION_KIND) return true;
  return Object.values(value).some(namesOption);
}

const strips = (statement: Record<string, unknown>): boolean => {
  const { reset, xt } = statement as { reset?: unknown; xt?: { name?: string } };
  return (reset !== undefined && namesOption(reset)) || xt?.name === 'TCPOPTSTRIP';
};

/** Finds such rules in what `nft -j list ruleset` prints. */
export function rulesAboutMptcp(json: string): NftRule[] {
  const { nftables } = JSON.parse(json) as { nftables: { rule?: RawRule }[] };
  return nftables.flatMap(({ rule }) => {
    if (!rule?.expr) return [];
    const { family, table, chain, handle, expr } = rule;
    const drops = expr.some((each) => 'drop' in each || 'reject' in each);
    const effect = expr.some(strips)
      ? 'strip'
      : drops && expr.some(namesOption)
        ? 'drop'
        : undefined;
    return effect ? [{ chain: `${family} ${table} ${chain}`, handle, effect } as const] : [];
  });
}

/** Reads the rules of a namespace by nft(8). Throws an Error with the reason where that fails. */
export async function firewallRules(netns: string | undefined): Promise<NftRule[]> {
  const list = ['nft', '-j', 'list', 'ruleset'];
  const command =
    netns === undefined ? list : ['nsenter', `--net=${namespacePath(netns)}`, ...list];
  const [file = '', ...args] = command;
  try {
    const { stdout } = await promisify(execFile)(file, args, {
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
      maxBuffer: LONGEST_OUTPUT,
      timeout: PATIENCE,
    });
    return rulesAboutMptcp(stdout);
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT' || (stderr ?? '').includes('nft: No such file')) {
      throw new Error('nft is not installed (Debian package nftables)', { cause: error });
    }
    const reason = stderr?.trim().split('\n')[0] ?? (error as Error).message;
    throw new Error(`nft -j list ruleset: ${reason}`, { cause: error });
  }
}
