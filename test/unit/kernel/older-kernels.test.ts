/** Tests what is done about kernels that ignore tokens, drop flags and give one errno for all. */
import { constants } from 'node:os';
import type { NativeCommand, NativeDiagSubflow, NativeEndpoint } from '../../../types/native';
import type { MptcpError } from '../../../lib';
import { commandError } from '../../../lib/kernel/command-errors';
import { explainRefusal } from '../../../lib/kernel/refusals';
import { listAddresses, noteAddresses } from '../../../lib/kernel/connection-addresses';
import { backupsSettled, createBackups } from '../../../lib/kernel/backup-creation';
import { subflowsByToken } from '../../../lib/kernel/sock-diag';

jest.mock('../../../lib/kernel/sock-diag', () => ({ subflowsByToken: jest.fn() }));

const subflows = new Map<number, NativeDiagSubflow[]>();
beforeEach(() => {
  subflows.clear();
  jest.mocked(subflowsByToken).mockImplementation(() => Promise.resolve(new Map(subflows)));
});

function refusal(call: string, extack?: string): MptcpError {
  const details = { errno: constants.errno.EINVAL, call: `MPTCP_PM_CMD_${call}`, extack };
  return commandError(Object.assign(new Error(details.call), details)) as MptcpError;
}

const endpoint = (id: number, address: string, port = 0): NativeEndpoint => ({
  ...{ id, address, port, flags: 1, interface: 0 },
});

const ends = (port: number, remote = '10.0.0.9') => ({
  local: { address: '10.0.0.1', port, family: 'IPv4' as const },
  remote: { address: remote, port: 80, family: 'IPv4' as const },
});

/** A kernel like Linux 6.1: userspace manages the connection 7, the kernel the connection 8. */
class Kernel {
  readonly netns = undefined;
  readonly ran: NativeCommand[] = [];
  endpoints: NativeEndpoint[] = [];

  constructor(readonly ignoresTokens = true) {}

  dumpEndpoints(token: number | undefined): Promise<NativeEndpoint[]> {
    if (token === undefined || this.ignoresTokens) return Promise.resolve(this.endpoints);
    return token === 7
      ? Promise.resolve([endpoint(3, '10.0.0.3')])
      : Promise.reject(refusal('GET_ADDR', 'invalid token'));
  }

  runPlain(command: NativeCommand): Promise<unknown> {
    const { token } = command as { token: number };
    const texts: Record<number, string> = {
      7: 'invalid addr id or flags',
      8: 'invalid request; userspace PM not selected',
    };
    return Promise.reject(refusal('ANNOUNCE', texts[token] ?? 'invalid token'));
  }

  run(command: NativeCommand): Promise<unknown> {
    this.ran.push(command);
    return Promise.resolve();
  }
}

describe('the addresses of a connection', () => {
  test('are those of the kernel where it knows tokens', async () => {
    expect(await listAddresses(new Kernel(false), 7)).toEqual([endpoint(3, '10.0.0.3')]);
  });

  test('else those that were announced or used, and those of subflows', async () => {
    const kernel = new Kernel();
    kernel.endpoints = [endpoint(1, '192.0.2.1')];
    noteAddresses({ command: 'announce', token: 7, endpoint: endpoint(2, '10.0.0.2') });
    const local = { ...endpoint(4, '10.0.0.4'), flags: 0 };
    noteAddresses({ command: 'createSubflow', token: 7, local, remote: ends(1).remote });
    subflows.set(7, [
      { ...ends(1000), state: 1, token: 7, localId: 0 } as NativeDiagSubflow,
      { ...ends(1001), state: 1, token: 7, localId: 5 } as NativeDiagSubflow,
      { ...ends(1002), state: 7, token: 7, localId: 6 } as NativeDiagSubflow,
    ]);
    expect(await listAddresses(kernel, 7)).toEqual([
      endpoint(2, '10.0.0.2'),
      { ...local, flags: 2 },
      { ...endpoint(5, '10.0.0.1'), flags: 2 },
    ]);
    noteAddresses({ command: 'remove', token: 7, localId: 2 });
    expect((await listAddresses(kernel, 7)).map(({ id }) => id)).toEqual([4, 5]);
  });

  test.each([
    [8, 'ERR_MPTCP_PATH_MANAGER'],
    [9, 'ERR_MPTCP_NOT_FOUND'],
  ])('of the connection %i: %s', async (token, code) => {
    await expect(listAddresses(new Kernel(), token)).rejects.toMatchObject({ code });
  });
});

describe('a refusal with one errno for several reasons', () => {
  const text = 'too many addresses or duplicate one';
  const add = (id: number, address: string): NativeCommand => ({
    ...{ command: 'addEndpoint', endpoint: endpoint(id, address) },
  });
  const subflow = { command: 'setSubflowFlags', ...ends(1000), flags: 4 } as const;

  test.each<[string, NativeCommand, string | undefined, string, RegExp]>([
    ['ADD_ADDR', add(0, '10.0.0.1'), text, 'ERR_MPTCP_EXISTS', /endpoints\.update/],
    ['ADD_ADDR', add(1, '10.0.0.2'), text, 'ERR_MPTCP_EXISTS', /has this id/],
    ['ADD_ADDR', add(0, '10.0.0.2'), text, 'ERR_MPTCP_LIMIT', /no room/],
    ['ADD_ADDR', add(0, '10.0.0.2'), undefined, 'ERR_MPTCP_SYSTEM', /EINVAL/],
    [
      'REMOVE',
      { command: 'remove', token: 7, localId: 200 },
      undefined,
      'ERR_MPTCP_NOT_FOUND',
      /announced nothing/,
    ],
    [
      'REMOVE',
      { command: 'remove', token: 9, localId: 1 },
      undefined,
      'ERR_MPTCP_NOT_FOUND',
      /has the token/,
    ],
    [
      'SET_FLAGS',
      { ...subflow, token: 8 },
      undefined,
      'ERR_MPTCP_PATH_MANAGER',
      /in-kernel path manager/,
    ],
    ['SET_FLAGS', { ...subflow, token: 9 }, undefined, 'ERR_MPTCP_NOT_FOUND', /has the token/],
    ['SET_FLAGS', { ...subflow, token: 7 }, undefined, 'ERR_MPTCP_NOT_FOUND', /no subflow between/],
  ])('%s %j: %s is %s', async (call, command, extack, code, advice) => {
    const kernel = new Kernel();
    kernel.endpoints = [endpoint(1, '10.0.0.1')];
    const error = await explainRefusal(kernel, command, refusal(call, extack));
    expect(error).toMatchObject({ code, errno: -constants.errno.EINVAL, extack });
    expect(error.message).toMatch(advice);
  });
});

describe('a subflow that is created as backup', () => {
  const creation: Extract<NativeCommand, { command: 'createSubflow' }> = {
    command: 'createSubflow',
    token: 7,
    local: { ...endpoint(1, '10.0.0.1'), flags: 4 },
    remote: { address: '10.0.0.9', port: 80 },
  };
  const subflow = (port: number, state: number, flags: number): NativeDiagSubflow =>
    ({ ...ends(port), token: 7, state, flags }) as NativeDiagSubflow;

  test('gets its priority once it is connected, where the kernel drops the flag', async () => {
    const kernel = new Kernel();
    const first = subflow(1000, 1, 0x42); // between the same addresses
    subflows.set(7, [first]);
    await createBackups(kernel, [creation], () => {
      subflows.set(7, [first, subflow(1001, 2, 8)]);
      return Promise.resolve();
    });
    const settled = backupsSettled(7);
    const before = jest.mocked(subflowsByToken).mock.calls.length;
    await untilCalled(before + 3);
    expect(kernel.ran).toEqual([]);
    jest.spyOn(kernel, 'run').mockImplementation((command) => {
      kernel.ran.push(command);
      subflows.set(7, [first, subflow(1001, 1, 0x68)]);
      return Promise.resolve();
    });
    subflows.set(7, [first, subflow(1001, 1, 0x48)]);
    await settled;
    expect(kernel.ran).toEqual([
      {
        command: 'setSubflowFlags',
        token: 7,
        local: ends(1001).local,
        remote: ends(1001).remote,
        flags: 4,
      },
    ]);
  });

  test('is left alone when it fails', async () => {
    const kernel = new Kernel();
    await createBackups(kernel, [creation], () => {
      subflows.set(7, [subflow(1001, 2, 8)]);
      return Promise.resolve();
    });
    subflows.clear();
    await backupsSettled(7);
    expect(kernel.ran).toEqual([]);
  });

  test('is created all the same where subflows cannot be read', async () => {
    jest.mocked(subflowsByToken).mockRejectedValueOnce(new Error('no sock_diag'));
    expect(await createBackups(new Kernel(), [creation], () => Promise.resolve('done'))).toBe(
      'done',
    );
  });

  test('is asked for once only, where the kernel keeps the flag', async () => {
    const kernel = new Kernel();
    const create = (): Promise<void> => {
      subflows.set(7, [subflow(1001, 2, 0x28)]);
      return Promise.resolve();
    };
    await createBackups(kernel, [creation], create);
    await backupsSettled(7);
    const { calls } = jest.mocked(subflowsByToken).mock;
    const before = calls.length;
    await createBackups(kernel, [creation], create);
    expect(calls).toHaveLength(before);
    expect(kernel.ran).toEqual([]);
  });

  async function untilCalled(times: number): Promise<void> {
    while (jest.mocked(subflowsByToken).mock.calls.length < times)
      await new Promise((resolve) => setTimeout(resolve, 1));
  }
});
