/** Tests that no file of a former mode remains in /run/mptcp where nobody needs it any more. */
import { join } from 'node:path';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';

const SCRIPT = join(__dirname, 'peers', 'former-mode.js');

/** Runs a program where /run/mptcp is empty, after commands of the shell. */
const inOwnMounts = (commands: string): string[] => [
  ...['-m', 'sh', '-c'],
  `mkdir -p /run/mptcp && mount -t tmpfs -o mode=755 none /run/mptcp && ${commands} exec "$0" "$@"`,
];
const READ_ONLY = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys &&';

describeKernel('files of former modes', {}, () => {
  let host: Namespace;
  beforeEach(() => void (host = new Namespace('former-mode')));
  afterEach(() => host.dispose());

  const start = (scenario: string, commands = '', ...more: string[]) =>
    host.spawn('unshare', [...inOwnMounts(commands), process.execPath, SCRIPT, scenario, ...more]);

  test.each(['close', 'kernel', 'exit', 'terminate'])('end with their owner: %s', async (how) => {
    expect(await start(how).json()).toEqual({ during: 1, after: 0 });
    expect(host.pathManager()).toBe('kernel');
  });

  test('are not there where the mode could not be set', async () => {
    const refused = start('refused', READ_ONLY);
    expect(await refused.json()).toEqual({ code: expect.any(String) as string, after: 0 });
  });

  test('stay where an owner was killed, also when its successor could not set the mode', async () => {
    const script = `"${process.execPath}" "${SCRIPT}" killed && ${READ_ONLY}`;
    const refused = start('refused', script);
    expect(await refused.json()).toEqual({ after: 1 });
    expect(await refused.json()).toMatchObject({ after: 1 });
  });

  test('stay with the namespace of a killed owner, until its successor restores the mode', async () => {
    await using other = new Namespace('former-mode-other');
    const there = start('there', '', other.name);
    expect(await there.json()).toEqual({ during: 2, after: 1 });
    expect(await there.json()).toEqual({ after: 0 });
    expect(other.pathManager()).toBe('kernel');
  });

  describeKernel('of namespaces that are gone', { needs: ['namespace handles'] }, () => {
    test('go with the namespace of a killed owner when another one is written', async () => {
      const other = new Namespace('former-mode-gone');
      let gone;
      try {
        gone = start('gone', '', other.name);
        expect(await gone.json()).toEqual({ killed: 1 });
      } finally {
        await other.dispose();
      }
      gone.stdin.write('deleted\n');
      expect(await gone.json()).toEqual({ after: 0 });
    });
  });
});
