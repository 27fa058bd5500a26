/** `mptcp --iproute2`: stands in for `ip mptcp` of a release, with its bytes and its exit codes. */
import type { PathManager } from '../../index';
import type { Surroundings } from '../context';
import { EXIT, IpExit, textOf } from './exit';
import { type Leading, readOptions } from './options';
import type { Session } from './session';
import { usage } from './usage';
import { matches } from './values';

const endpoints = (): typeof import('./endpoints') =>
  require('./endpoints') as typeof import('./endpoints');
const limits = (): typeof import('./limits') => require('./limits') as typeof import('./limits');

const unknown = (word: string): IpExit =>
  new IpExit(EXIT.ERROR, `Command "${word}" is unknown, try "ip mptcp help".\n`);

/** Carries out one command line of `ip mptcp`. */
export async function dispatch(words: readonly string[], session: Session): Promise<void> {
  const [object, verb, ...rest] = words;
  if (object === undefined || matches(object, 'help')) throw usage(session.profile);
  await session.pm();
  if (matches(object, 'endpoint')) {
    if (verb === undefined) return endpoints().showEndpoints([], session);
    if (matches(verb, 'add')) return endpoints().addEndpoint(rest, session);
    if (matches(verb, 'change')) return endpoints().changeEndpoint(rest, session);
    if (matches(verb, 'delete')) return endpoints().deleteEndpoint(rest, session);
    if (matches(verb, 'show')) return endpoints().showEndpoints(rest, session);
    if (matches(verb, 'flush')) return endpoints().flushEndpoints(session);
    throw unknown(verb);
  }
  if (matches(object, 'limits')) {
    if (verb === undefined) return limits().showLimits([], session);
    if (matches(verb, 'set')) return limits().setLimits(rest, session);
    if (matches(verb, 'show')) return limits().showLimits(rest, session);
    // `ip mptcp limits monitor` is `ip mptcp monitor`.
    if (!matches(verb, 'monitor')) throw unknown(verb);
    return monitor(rest, session);
  }
  if (matches(object, 'monitor')) return monitor(words.slice(1), session);
  throw unknown(object);
}

async function monitor(words: readonly string[], session: Session): Promise<void> {
  const [extra] = words;
  if (extra !== undefined) throw unknown(extra);
  await (require('./monitor') as typeof import('./monitor')).monitor(session);
}

async function openPathManager({ netns }: Leading): Promise<PathManager> {
  const { PathManager } = require('../../index') as typeof import('../../index');
  try {
    return await PathManager.open(netns === undefined ? {} : { netns });
  } catch (error) {
    const { errno, syscall = '' } = error as { errno?: number; syscall?: string };
    if (errno === undefined) throw error;
    if (netns !== undefined && /^(?:open|setns)/.test(syscall)) {
      const what = syscall.startsWith('open') ? 'Cannot open' : 'setting the';
      throw new IpExit(EXIT.ERROR, `${what} network namespace "${netns}": ${textOf(errno)}\n`);
    }
    throw new IpExit(1, `RTNETLINK answers: ${textOf(errno)}\nError talking to the kernel\n`);
  }
}

/** Runs a command line of ip(8) without the word `mptcp`, and resolves to its exit code. */
export async function run(
  args: readonly string[],
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<number> {
  const { stdout, stderr } = surroundings;
  let opened: Promise<PathManager> | undefined;
  try {
    const given = readOptions(args);
    const { profile, json, pretty, timestamp } = given;
    const pm = (): Promise<PathManager> => (opened ??= openPathManager(given));
    if (given.netns !== undefined) await pm();
    const session: Session = { profile, options: { json, pretty, timestamp }, stdout, pm, signal };
    if (given.batch === undefined) await dispatch(given.words, session);
    else {
      const { runBatch } = require('./batch') as typeof import('./batch');
      return await runBatch(given.batch, given.force, stderr, (words) => dispatch(words, session));
    }
    return 0;
  } catch (error) {
    if (!(error instanceof IpExit)) throw error;
    stderr.write(error.text);
    return error.exitCode;
  } finally {
    await (await opened?.catch(() => undefined))?.close();
  }
}
