/** Tests how it is found out whether a peer denies joins to its initial address. */
import type { decodeEvent } from '../../../lib/events/decode';
import type * as DeniedJoins from '../../../lib/events/denied-joins';
import type { NativeEvent } from '../../../types/native';

const ESTABLISHED = 2;
const [DENIES, SERVER] = [1, 2];
const local = { address: '10.1.0.1', port: 1000 };
const remote = { address: '10.1.0.2', port: 80 };
const event: NativeEvent = { type: ESTABLISHED, token: 7, local, remote };

/** The modules as they are when they have just been loaded. */
function fresh() {
  jest.resetModules();
  const { probeDeniedJoins } = jest.requireActual<typeof DeniedJoins>(
    '../../../lib/events/denied-joins',
  );
  const decode = jest.requireActual<{ decodeEvent: typeof decodeEvent }>(
    '../../../lib/events/decode',
  );
  const denies = (flags?: number) =>
    (decode.decodeEvent(flags === undefined ? event : { ...event, flags }) as DeniesJoins)
      .denyJoinId0;
  const asked = jest.fn<Promise<boolean | undefined>, []>();
  return { denies, asked, probeDeniedJoins: () => probeDeniedJoins({ tellsDeniedJoins: asked }) };
}

interface DeniesJoins {
  denyJoinId0?: boolean;
}

describe('whether a peer denies joins', () => {
  const warnings: (string | undefined)[] = [];
  const warn = jest
    .spyOn(process, 'emitWarning')
    .mockImplementation(
      (_text, options) => void warnings.push((options as { code?: string }).code),
    );
  beforeEach(() => warnings.splice(0));
  afterAll(() => warn.mockRestore());

  test('the absence of the attribute means nothing, until an event has had it', () => {
    const { denies } = fresh();
    expect(denies()).toBeUndefined();
    expect(denies(SERVER)).toBe(false);
    expect(denies()).toBe(false);
    expect(denies(DENIES)).toBe(true);
  });

  test('a kernel that would report it is asked once', async () => {
    const { denies, asked, probeDeniedJoins } = fresh();
    asked.mockResolvedValue(true);
    await probeDeniedJoins();
    await probeDeniedJoins();
    expect(asked).toHaveBeenCalledTimes(1);
    expect(denies()).toBe(false);
    expect(warnings).toEqual([]);
  });

  test.each([false, undefined])('answer %s: it stays unknown, with one warning', async (answer) => {
    const { denies, asked, probeDeniedJoins } = fresh();
    asked.mockResolvedValue(answer);
    await probeDeniedJoins();
    await probeDeniedJoins();
    expect(denies()).toBeUndefined();
    expect(warnings).toEqual(['MPTCP_DENIED_JOINS']);
  });
});
