/**
 * Tests the frame of the command line: how commands are found and abbreviated, what wrong command lines
 * say, help, and tables for wide and narrow terminals.
 */
import { run } from '../../../lib/cli/program';
import { GLOBAL_OPTIONS } from '../../../lib/cli/command';
import { COMMANDS } from '../../../lib/cli/commands';
import { findCommand, readArguments, splitAtCommand } from '../../../lib/cli/arguments';
import { Context, type Surroundings } from '../../../lib/cli/context';
import { renderTable } from '../../../lib/cli/table';

interface Terminal extends Surroundings {
  text: { stdout: string; stderr: string };
}

/** A terminal that keeps what is written. */
function terminal(options: { columns?: number; isTTY?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const text = { stdout: '', stderr: '' };
  const { env = {}, ...rest } = options;
  const output = (name: 'stdout' | 'stderr') => ({
    ...rest,
    write: (part: string) => void (text[name] += part),
  });
  return { text, stdout: output('stdout'), stderr: output('stderr'), env } satisfies Terminal;
}

const { signal } = new AbortController();

async function mptcp(...args: string[]) {
  const { text, ...surroundings } = terminal();
  const exitCode = await run(args, surroundings, signal);
  return { exitCode, ...text };
}

const context = (options: Parameters<typeof terminal>[0]): Context =>
  new Context(terminal(options), { words: [], options: {} }, signal);

test.each([
  [['limits', 'show'], 'limits show', 2],
  [['limits', 'sh', '-j'], 'limits show', 2],
  [['l'], 'limits show', 1],
  [['limi', 'show'], 'limits show', 2],
])('%j names the command %s', (words, name, length) => {
  expect(findCommand(words)).toEqual({ name, length });
});

test.each([
  [['limit', 'shwo'], "Unknown command 'mptcp limits' 'shwo': did you mean 'show'?"],
  [['lmits'], "Unknown command 'lmits': did you mean 'limits'?"],
  [['limits', 'show', 'all'], "Unexpected word 'all': see --help"],
  [['--netsn', 'blue', 'limits'], "Unknown option '--netsn': did you mean '--netns'?"],
  [['limits', 'show', '--jsn'], "Unknown option '--jsn': did you mean '--json'?"],
  [['limits', '--json=yes'], 'The option --json takes no value'],
  [['limits', 'show', '-n'], 'The option -n needs a value: NETNS'],
  [['limits', 'show', '-n', '-j'], 'The option -n needs a value: NETNS'],
  [[], 'A command is missing: see mptcp --help'],
])('%j fails with one line and exit code 2', async (args, message) => {
  expect(await mptcp(...args)).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `mptcp: ${message}\n`,
  });
});

test('options may stand before and after the command', () => {
  const { before, after } = splitAtCommand(['-jn', 'blue', 'limits', 'show', '--pretty']);
  expect(before).toEqual(['-jn', 'blue']);
  expect(readArguments(before).options).toMatchObject({ json: true, netns: 'blue' });
  expect(readArguments(after.slice(2)).options).toMatchObject({ pretty: true });
});

test.each([[['--version']], [['-V']]])('%j prints the version', async (args) => {
  expect(await mptcp(...args)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^mptcp \d/) as string,
  });
});

test('--help lists every command, and each has a help with its examples', async () => {
  const general = await mptcp('--help');
  expect(general).toMatchObject({ exitCode: 0, stderr: '' });
  for (const [name, load] of Object.entries(COMMANDS)) {
    const command = load();
    expect(command.name).toBe(name);
    expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
    expect(command.examples.length).toBeGreaterThan(0);
    expect(general.stdout).toContain(`\n  ${name} `);
    for (const args of [
      [...name.split(' '), '--help'],
      ['help', ...name.split(' ')],
    ]) {
      const { exitCode, stdout } = await mptcp(...args);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(command.summary);
      for (const { command: example } of command.examples) expect(stdout).toContain(example);
    }
  }
});

test("no command's own option takes the name or the letter of a global one", () => {
  const globals = Object.entries(GLOBAL_OPTIONS).flatMap(([name, { short }]) => [name, short]);
  for (const load of Object.values(COMMANDS)) {
    for (const [name, { short }] of Object.entries(load().options)) {
      expect(globals).not.toContain(name);
      if (short !== undefined) expect(globals).not.toContain(short);
    }
  }
});

test('colours are for terminals that show them', () => {
  const red = (options: Parameters<typeof terminal>[0]) => context(options).style('red', 'x');
  expect(red({ isTTY: true })).toBe('\u001b[31mx\u001b[39m');
  expect(red({ isTTY: false })).toBe('x');
  expect(red({ isTTY: true, env: { NO_COLOR: '1' } })).toBe('x');
  expect(red({ isTTY: true, env: { NO_COLOR: '' } })).not.toBe('x');
  expect(red({ isTTY: true, env: { TERM: 'dumb' } })).toBe('x');
});

test.each([
  [{ columns: 40 }, 40],
  [{}, 80],
  [{ columns: 0, env: { COLUMNS: '50' } }, 50],
  [{ columns: 0, env: { COLUMNS: 'wide' } }, 80],
])('%j has the width %i', (options, width) => {
  expect(context(options).width).toBe(width);
});

describe('a table', () => {
  const rows = [
    ['10.0.0.1', 'eth0'],
    ['2001:db8::1', 'wlan0'],
  ];

  test('has columns where the terminal is wide enough', () => {
    expect(renderTable(['Address', 'Interface'], rows, context({ columns: 22 }))).toBe(
      'Address      Interface\n10.0.0.1     eth0\n2001:db8::1  wlan0\n',
    );
  });

  test('has a line for each field where it is not', () => {
    expect(renderTable(['Address', 'Interface'], rows, context({ columns: 21 }))).toBe(
      'Address: 10.0.0.1\nInterface: eth0\n\nAddress: 2001:db8::1\nInterface: wlan0\n',
    );
  });
});
