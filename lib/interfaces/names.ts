import type { Abortable } from '../base/abort';
import { MptcpError } from '../base/errors';
import type { Commands } from '../kernel/commands';

/** The names of the namespace's interfaces by index, never cached: interfaces can be renamed. */
export async function interfaceNames(
  commands: Commands,
  options?: Abortable,
): Promise<Map<number, string>> {
  const links = await commands.links(options);
  return new Map(links.map(({ index, name }) => [index, name]));
}

/** The index of an interface. ERR_MPTCP_NOT_FOUND: the namespace has none of this name. */
export async function interfaceIndex(
  commands: Commands,
  name: string,
  options?: Abortable,
): Promise<number> {
  const link = (await commands.links(options)).find((each) => each.name === name);
  if (link) return link.index;
  throw new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    `The network namespace has no interface ${name}: pm.interfaces.list() gives those it has`,
  );
}
