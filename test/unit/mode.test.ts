import { getSystemErrorName } from 'node:util';
import type { Commands } from '../../lib/internal/commands';
import type { PathManagerEvents } from '../../lib';
import { commandError } from '../../lib/internal/command-errors';
import { Mode } from '../../lib/mode';
import { Sysctls } from '../../lib/sysctls';

const PREFIX = '/proc/sys/net/mptcp/';
const [ENOENT, EINVAL] = [2, 22];

function failure(errno: number, call: string): Error {
  const message = `${call}: ${getSystemErrorName(-errno)}`;
  return commandError(Object.assign(new Error(message), { errno, call })) as Error;
}

/** A kernel's settings, and the addon's way to them. */
function machine(files: Record<string, string>, refuses?: string) {
  const at = (path: string, call: string): string => {
    const name = path.slice(PREFIX.length);
    if (!(name in files)) throw failure(ENOENT, `${call} ${path}`);
    return name;
  };
  const commands = {
    netns: 'none',
    readFile: async (path: string) => Promise.resolve(`${files[at(path, 'open')]}\n`),
    writeFile: async (path: string, value: string) => {
      files[at(path, 'open')] = value;
      return Promise.resolve();
    },
    holdSetting: async (path: string, former: string) => {
      const name = at(path, 'open');
      const change = (value: string): void => {
        if (value === refuses) throw Object.assign(new Error(), { errno: EINVAL, call: 'write' });
        files[name] = value;
      };
      return Promise.resolve({ change, restore: () => change(former), release: jest.fn() });
    },
    holdName: () => Promise.resolve({ close: jest.fn() }),
    nameOwner: () => Promise.resolve(undefined),
    endpoints: () => Promise.resolve([]),
    run: () => Promise.resolve({ subflows: 0, addAddrAccepted: 0 }),
  } as unknown as Commands;
  const events = { on: () => events, ready: Promise.resolve(), close: () => Promise.resolve() };
  const watch = () => events as unknown as PathManagerEvents;
  return new Mode(commands, new Sysctls(commands), watch);
}

const exits = () => process.listenerCount('exit');

test.each([
  ['pm_type, before Linux 6.15', 'pm_type', '0', '1'],
  ['path_manager', 'path_manager', 'kernel', 'userspace'],
])('the setting is %s', async (_, name, kernel, userspace) => {
  const files = { [name]: kernel };
  const mode = machine(files);
  const before = exits();
  expect(await mode.get()).toEqual({ mode: 'kernel', ownerless: false });
  await mode.set('userspace');
  expect(files).toEqual({ [name]: userspace });
  expect(exits()).toBe(before + 1);
  expect(await mode.get()).toMatchObject({ mode: 'userspace' });
  await mode.set('kernel');
  expect(files).toEqual({ [name]: kernel });
  await mode.set('userspace');
  await mode.close();
  expect(files).toEqual({ [name]: kernel });
  expect(exits()).toBe(before);
  // Left behind by somebody: set right without ever having had it.
  files[name] = userspace;
  expect(await mode.get()).toEqual({ mode: 'userspace', ownerless: true });
  await mode.set('kernel');
  expect(files).toEqual({ [name]: kernel });
});

test('a path manager of a newer kernel has its own name, and comes back', async () => {
  const files = { path_manager: 'bpf' };
  const mode = machine(files);
  expect(await mode.get()).toEqual({ mode: 'bpf', ownerless: false });
  await mode.set('userspace');
  await mode.close();
  expect(files).toEqual({ path_manager: 'bpf' });
});

test('a refused switch leaves nothing behind', async () => {
  const files = { path_manager: 'kernel' };
  const before = exits();
  await expect(machine(files, 'userspace').set('userspace')).rejects.toMatchObject({
    ...{ code: 'ERR_MPTCP_SYSTEM', errno: -EINVAL },
  });
  expect(files).toEqual({ path_manager: 'kernel' });
  expect(exits()).toBe(before);
});

test('a kernel without either setting is named', async () => {
  await expect(machine({}).get()).rejects.toMatchObject({ code: 'ERR_MPTCP_UNSUPPORTED' });
  await expect(machine({}).set('userspace')).rejects.toMatchObject({
    code: 'ERR_MPTCP_UNSUPPORTED',
  });
});
