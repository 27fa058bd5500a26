/**
 * Tests changes of the mode: its end with the kernel's events, and the order of several changes.
 */
import { EventEmitter } from 'node:events';
import type { PathManagerEvents } from '../../../lib';
import type { Commands } from '../../../lib/kernel/commands';
import type { Sysctls } from '../../../lib/kernel/sysctls';
import { ModeControl } from '../../../lib/userspace/mode';

/** A namespace in which this process may do everything. */
function namespace() {
  const events = Object.assign(new EventEmitter(), {
    ready: Promise.resolve(),
    close: () => Promise.resolve(),
  });
  const state = { mode: 'kernel', held: false };
  const watched: boolean[] = [];
  const commands = {
    holdName: () => {
      state.held = true;
      return Promise.resolve({ close: () => void (state.held = false) });
    },
    nameOwner: () => Promise.resolve(undefined),
    readFile: () => Promise.resolve(''),
    namespaceCookie: () => Promise.resolve('unit-test'),
    namespaceHandle: () => Promise.resolve(undefined),
    namespaceExists: () => Promise.resolve(true),
    tellsDeniedJoins: () => Promise.resolve(true),
    endpoints: () => Promise.resolve([]),
    run: () => Promise.resolve({ subflows: 0, addAddrAccepted: 0 }),
    holdSetting: (_path: string, before: string) =>
      Promise.resolve({
        change: (value: string) => void (state.mode = value),
        restore: () => void (state.mode = before),
        release: () => undefined,
      }),
  };
  const sysctls = {
    get: () => Promise.resolve(state.mode),
    write: (_name: string, value: string) => Promise.resolve(void (state.mode = value)),
  };
  const mode = new ModeControl(
    commands as unknown as Commands,
    sysctls as unknown as Sysctls,
    (initial) => {
      watched.push(initial);
      return events as unknown as PathManagerEvents;
    },
  );
  return { mode, events, state, watched };
}

test("the end of the kernel's events gives the mode back, and ends nothing else", async () => {
  const codes: unknown[] = [];
  const warn = jest
    .spyOn(process, 'emitWarning')
    .mockImplementation((_text, options) => void codes.push((options as { code?: string }).code));
  try {
    const { mode, events, state } = namespace();
    await mode.set('userspace');
    expect(state).toEqual({ mode: 'userspace', held: true });
    events.emit('error', new Error('no more'));
    await mode.set('kernel'); // in its turn
    expect(state).toEqual({ mode: 'kernel', held: false });
    expect(codes).toEqual(['MPTCP_PATH_MANAGER']);
    expect(mode.owned).toBe(false);
    await mode.set('userspace');
    expect(state).toEqual({ mode: 'userspace', held: true });
    await mode.close();
    expect(state).toEqual({ mode: 'kernel', held: false });
  } finally {
    warn.mockRestore();
  }
});

test('a change that fails holds up none that comes after it', async () => {
  const { mode, state } = namespace();
  const abort = new AbortController();
  const first = mode.set('userspace');
  const refused = mode.set('on' as never);
  const second = mode.set('kernel', abort);
  await expect(refused).rejects.toBeInstanceOf(TypeError);
  await Promise.all([first, second]);
  expect(state).toEqual({ mode: 'kernel', held: false });
});

test("connections that exist already are adopted where another one's userspace mode was left", async () => {
  const { mode, state, watched } = namespace();
  await mode.set('userspace');
  await mode.set('kernel');
  expect(watched).toEqual([false]); // those of the kernel stay the kernel's
  state.mode = 'userspace';
  await mode.set('userspace');
  expect(watched).toEqual([false, true]);
  await mode.close();
});
