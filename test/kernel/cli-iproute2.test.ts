/**
 * Tests `mptcp --iproute2` against `ip mptcp` itself, in twin namespaces: each command line is run by
 * both, and output, exit code and the kernel's state are compared.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';

const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

interface Outcome {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  endpoints: string;
  limits: string;
}

const A = '10.9.0.1';
const B = '10.9.0.2';
const C = 'fd09::1';

/** Command lines in the order in which they are run; each group begins without endpoints. */
const GROUPS: Record<string, readonly string[]> = {
  'objects and their abbreviations': [
    '',
    'help',
    'h',
    'he',
    'foo',
    'endpoint',
    'e',
    'end',
    'endpoints',
    'endpoint foo',
    'endpoint help',
    'endpoint monitor',
    'limits',
    'l',
    'lim',
    'limitss',
    'limits foo',
    'limits shown',
    'limits flush',
    'monitor foo',
    'm foo',
    'limits monitor foo',
    'mptcp',
    'ENDPOINT',
  ],
  'endpoint add: words in any order': [
    `endpoint add ${A}`,
    `endpoint add ${B} subflow`,
    'endpoint show',
    `endpoint add ${C} subflow backup`,
    'endpoint add 10.9.0.3 subflow fullmesh backup',
    'endpoint add signal 10.9.0.4',
    'endpoint add id 20 10.9.0.5 signal subflow',
    'endpoint add dev veth0 id 0x15 subflow 10.9.0.6',
    'endpoint',
    'e s',
    'endpoint show id 20',
    'endpoint show id 0x15',
    'endpoint show i 024',
    'endpoint add 10.9.0.7',
    'endpoint add 10.9.0.8',
    'endpoint add 10.9.0.9',
  ],
  'endpoint add: abbreviations and forms of values': [
    'e a 10.9 s',
    'e a 10.9 subflow',
    'e ad 10 i 7 d lo',
    'e add 0xa.011.1.1 nobackup nofullmesh',
    'e add 10.9.1.2 p 0x50 signal',
    'endpoint add 10.9.0.11 i 010',
    'endpoint add 10.9.0.12 id +12',
    'endpoint add 10.9.0.13 id -1',
    'endpoint add 10.9.0.13 id -18446744073709551603',
    'endpoint add 10.9.0.14 po 65535 signal',
    'endpoint add 10.9.0.15 de if2',
    'endpoint',
  ],
  'endpoint add: addresses': [
    'endpoint add ::1',
    'endpoint add fe80::1 dev lo',
    'endpoint add FD09:0:0::5',
    'endpoint add 256.1.1.1',
    'endpoint add 10.9.0.1.1',
    'endpoint add 10.9.0.',
    'endpoint add 10..1',
    'endpoint add fd09:::1',
    'endpoint add fe80::1%lo',
    'endpoint add 10.9.0.1/24',
    'endpoint add any',
    'endpoint add all',
    'endpoint add default subflow',
    'endpoint add localhost',
    `endpoint add ${A} ${B}`,
    'endpoint add 0.0.0.0',
    'endpoint add ::',
    'endpoint',
  ],
  'endpoint add: errors': [
    'endpoint add',
    'endpoint add subflow',
    'endpoint add xyz',
    'endpoint add implicit',
    'endpoint add sub 10.9.0.1',
    `endpoint add ${A} laminar`,
    `endpoint add ${A} id`,
    `endpoint add ${A} id 256`,
    `endpoint add ${A} id 0`,
    `endpoint add ${A} id 1x`,
    `endpoint add ${A} id 08`,
    `endpoint add ${A} id 0x`,
    `endpoint add ${A} dev`,
    `endpoint add ${A} dev nope`,
    `endpoint add ${A} dev abcdefghijklmnop`,
    `endpoint add ${A} dev a/b`,
    `endpoint add ${A} port`,
    `endpoint add ${A} port 65536`,
    `endpoint add ${A} port http`,
    `endpoint add ${A} port 80`,
    `endpoint add ${A} port 80 subflow`,
    `endpoint add ${A} port 80 signal subflow`,
    `endpoint add ${A} signal fullmesh`,
    `endpoint add ${A} fullmesh signal`,
    `endpoint add ${A} fullmesh`,
    `endpoint add ${A}`,
    'endpoint add 10.9.0.2 id 1',
    'endpoint add 10.9.0.99 port 81 signal',
    `endpoint add ${B} foo`,
    `endpoint add ${B} id 5 id 6`,
    `endpoint add ${B} id 5 ID 6`,
    'endpoint',
  ],
  'endpoint add: more than there is room for': [
    ...Array.from({ length: 9 }, (_, index) => `endpoint add 10.9.2.${index + 1} subflow`),
  ],
  'endpoint change': [
    `endpoint add ${A} subflow`,
    `endpoint add ${B} signal port 1234`,
    `endpoint add ${C} id 9 signal`,
    'endpoint change id 1 backup',
    'endpoint change id 1 fullmesh',
    'endpoint change id 1 backup fullmesh',
    'endpoint change id 1 nobackup',
    'endpoint change id 1',
    `endpoint change ${A} backup`,
    `endpoint change backup ${A}`,
    `endpoint c ${A} nobackup`,
    `endpoint chang ${A} fullmesh backup`,
    `endpoint change id 9 ${A} nobackup`,
    `endpoint change ${B} backup`,
    `endpoint change ${B} port 1234 backup`,
    `endpoint change ${B} port 1235 backup`,
    'endpoint change id 2 port 1234 backup',
    'endpoint change id 9 fullmesh',
    'endpoint change id 77 backup',
    'endpoint change id 0 backup',
    'endpoint change',
    'endpoint change backup',
    'endpoint change id 1 signal',
    'endpoint change id 1 subflow',
    'endpoint change id 1 foo',
    'endpoint change 10.9.0.77 backup',
    'endpoint change any backup',
    'endpoint change id 1 dev nope backup',
    'endpoint change id 1 dev lo backup',
  ],
  'endpoint delete': [
    `endpoint add ${A}`,
    `endpoint add ${B}`,
    `endpoint add ${C}`,
    'endpoint delete id 2',
    'endpoint delete id 2',
    'endpoint del i 3',
    'endpoint d id 99',
    'endpoint delete',
    'endpoint delete 1',
    `endpoint delete ${A}`,
    `endpoint delete id 1 ${A}`,
    'endpoint delete id 0',
    `endpoint delete id 0 ${A}`,
    `endpoint delete id 0 ${C}`,
    'endpoint delete id 0 any',
    'endpoint delete id',
    'endpoint delete id x',
    'endpoint delete id 1 backup',
    'endpoint remove id 1',
  ],
  'endpoint show': [
    'endpoint show',
    'endpoint show id 1',
    `endpoint add ${A} signal port 4321`,
    `endpoint add ${C} subflow backup dev veth0`,
    'endpoint show',
    'endpoint show id 1',
    'endpoint show id 2',
    'endpoint show id 0',
    'endpoint show id 3',
    'endpoint show id',
    `endpoint show ${A}`,
    `endpoint show id 2 ${A}`,
    'endpoint show any',
    'endpoint show foo',
    'endpoint show backup',
    'endpoint sh id 2 backup',
    'endpoint list',
    '-j endpoint show',
    '-json endpoint show id 2',
    '-j -p endpoint show',
    '-p endpoint show',
    '-p -j endpoint show id 1',
    '-j endpoint show id 3',
    '-j endpoint flush',
    '-j endpoint show',
    '-j -p endpoint show',
  ],
  'endpoint flush': [
    `endpoint add ${A}`,
    'endpoint flush',
    `endpoint add ${B}`,
    'endpoint f foo bar',
    'endpoint flush id 1',
  ],
  limits: [
    'limits show',
    'limits set subflows 3',
    'limits set add_addr_accepted 4',
    'limits set subflows 5 add_addr_accepted 6',
    'limits set add_addr_accepted 1 subflows 2',
    'limits set s 0x3 a 07',
    'limits set sub 4 add 1',
    'limits set subflows 1 subflows 2',
    'limits se subflows 8',
    'limits s subflows 7',
    'limits set',
    'limits set subflows',
    'limits set subflows 9',
    'limits set subflows -1',
    'limits set subflows x',
    'limits set subflows 4294967296',
    'limits set add_addr_accepted 9',
    'limits set add_addr_accepted x',
    'limits set subflow 2',
    'limits set subflowss 2',
    'limits set foo 2',
    'limits set 2',
    'limits sh',
    'limits show subflows 3',
    'limits show foo',
    'limits show subflows x',
    '-j limits',
    '-j -p limits show',
    '-j limits set subflows 1',
  ],
  'options of ip': [
    `endpoint add ${A} subflow`,
    `endpoint add ${C} signal`,
    '-4 endpoint',
    '-6 endpoint',
    '-0 endpoint',
    '-s endpoint',
    '-s -s endpoint',
    '-d endpoint',
    '-o endpoint',
    '-br endpoint',
    '-c endpoint',
    '-color=always endpoint',
    '-c=never endpoint',
    '-color=foo endpoint',
    '-t endpoint',
    '-ts endpoint',
    '-r endpoint',
    '-h endpoint',
    '-iec endpoint',
    '-N endpoint',
    '-f inet endpoint',
    '-family inet6 endpoint',
    '-f foo endpoint',
    '-l 5 endpoint',
    '-rc 1000 endpoint',
    '-rc x endpoint',
    '--json endpoint',
    '--j endpoint',
    '-x endpoint',
    '-jp endpoint',
    '-j',
    '-- endpoint',
    '-a endpoint',
  ],
};

/** Lines of a batch file, each file with a name. */
const BATCHES: Record<string, readonly string[]> = {
  'two commands': ['mptcp endpoint add 10.9.0.1 subflow', 'mptcp limits set subflows 4'],
  'blank lines and comments': ['', '# comment', 'mptcp endpoint add 10.9.0.2 # more', '  '],
  'a refused command ends it': ['mptcp endpoint delete id 50', 'mptcp limits set subflows 1'],
  'a wrong word ends it': ['mptcp endpoint add foo', 'mptcp limits set subflows 1'],
  'output of several commands': ['mptcp endpoint', 'mptcp limits', 'mptcp endpoint show id 1'],
  'quotes and continued lines': ["mptcp 'endpoint' add \\", '10.9.0.7 "subflow"'],
  'abbreviations of the object': ['mp limits', 'mptc endpoint'],
};

describeKernel('mptcp --iproute2 and ip mptcp', {}, () => {
  let hosts: [Namespace, Namespace];
  let folder: string;

  beforeAll(() => {
    hosts = [new Namespace('ip'), new Namespace('cli')];
    folder = mkdtempSync(join(tmpdir(), 'mptcp-cli-'));
    for (const host of hosts) {
      host.ip('link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1');
      host.ip('address', 'add', `${A}/24`, 'dev', 'veth0');
      host.ip('address', 'add', `${B}/24`, 'dev', 'veth0');
      host.ip('address', 'add', `10.9.1.2/24`, 'dev', 'veth0');
      host.ip('address', 'add', `${C}/64`, 'dev', 'veth0', 'nodad');
      host.ip('link', 'set', 'veth0', 'up');
      host.ip('link', 'set', 'veth1', 'up');
    }
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await Promise.all(hosts.map((host) => host.dispose()));
  });

  beforeEach(() => {
    for (const host of hosts) {
      host.ip('mptcp', 'endpoint', 'flush');
      host.limits({ subflows: 2, addAddrAccepted: 0 });
    }
  });

  function outcome(host: Namespace, command: string, args: readonly string[]): Outcome {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
      timeout: 60_000,
    });
    if (error) throw error;
    return {
      exitCode: status,
      stdout,
      stderr: stderr.replaceAll(host.name, 'NETNS'),
      endpoints: host.ip('mptcp', 'endpoint'),
      limits: host.ip('mptcp', 'limits'),
    };
  }

  /** Runs a command line by both; its options stand before the object `mptcp` of ip. */
  function both(line: string): [Outcome, Outcome] {
    const words = line === '' ? [] : line.split(' ');
    const isOption = (word: string, index: number): boolean =>
      word.startsWith('-') || /^-(?:f|family|l|rc|b|batch)$/.test(words[index - 1] ?? '');
    const end = words.findIndex((word, index) => !isOption(word, index));
    const at = end === -1 ? words.length : end;
    const [options, rest] = [words.slice(0, at), words.slice(at)];
    const object = /^-b(?:atch)?$/.test(options.at(-2) ?? '') ? [] : ['mptcp'];
    const [ip, cli] = hosts;
    return [
      outcome(ip, 'ip', ['-n', ip.name, ...options, ...object, ...rest]),
      outcome(cli, process.execPath, [MAIN, '--iproute2', '-n', cli.name, ...words]),
    ];
  }

  test.each(Object.entries(GROUPS))('%s', (_name, lines) => {
    for (const line of lines) {
      const [ip, cli] = both(line);
      expect({ line, ...cli }).toEqual({ line, ...ip });
    }
  });

  test.each(Object.entries(BATCHES))('-batch: %s', (name, lines) => {
    const file = join(folder, name.replaceAll(' ', '-'));
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    for (const options of [`-b ${file}`, `-force -batch ${file}`]) {
      const [ip, cli] = both(options);
      expect({ options, ...cli }).toEqual({ options, ...ip });
    }
  });

  test('an endpoint of an interface that is gone', () => {
    for (const host of hosts) {
      host.ip('link', 'add', 'gone', 'type', 'veth', 'peer', 'name', 'gone1');
      host.addEndpoint('10.9.0.66', 'subflow', 'dev', 'gone');
      host.ip('link', 'delete', 'gone');
    }
    for (const line of ['endpoint', '-j endpoint show', 'endpoint show id 1']) {
      const [ip, cli] = both(line);
      expect({ line, ...cli }).toEqual({ line, ...ip });
    }
  });

  test('an endpoint with a flag that the release does not know', async () => {
    for (const host of hosts) {
      await using pm = await PathManager.open({ netns: host.name });
      const endpoint = { address: '10.9.0.67', port: 0, id: 0, flags: 34, interface: 0 };
      await pm.run({ command: 'addEndpoint', endpoint });
    }
    for (const line of ['endpoint', '-j endpoint show', 'endpoint show id 1']) {
      const [ip, cli] = both(line);
      expect(ip.stdout).toContain('rawflags');
      expect({ line, ...cli }).toEqual({ line, ...ip });
    }
  });

  test('a namespace that does not exist', () => {
    const args = ['-n', 'mptcp-cli-none'];
    const [ip, cli] = hosts;
    expect(outcome(cli, process.execPath, [MAIN, '--iproute2', ...args, 'limits'])).toEqual(
      outcome(ip, 'ip', [...args, 'mptcp', 'limits']),
    );
  });

  test.each([
    'endpoint',
    'endpoint show id 1',
    'endpoint flush',
    'limits',
    'limits set subflows 1',
  ])('without CAP_NET_ADMIN: %s', (line) => {
    const [ip, cli] = hosts;
    const drop = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    const inside = (host: Namespace, ...words: string[]) =>
      outcome(host, 'ip', ['netns', 'exec', host.name, ...drop, ...words]);
    const words = line.split(' ');
    expect(inside(cli, process.execPath, MAIN, '--iproute2', ...words)).toEqual(
      inside(ip, 'ip', 'mptcp', ...words),
    );
  });

  test('at least 150 command lines were compared', () => {
    expect(new Set(Object.values(GROUPS).flat()).size).toBeGreaterThanOrEqual(150);
  });
});
