/** The choice of address ids, against a model of the kernel's list. */
import * as fc from 'fast-check';
import { MptcpError } from '../../../lib/base/errors';
import { AddressIds } from '../../../lib/userspace/address-ids';
import type { NativeEndpoint } from '../../../types/native';

const INITIAL = '10.0.0.1';
const addressOf = (number: number): string => `10.1.0.${number}`;

/** net/mptcp/pm_userspace.c, mptcp_userspace_pm_append_new_local_addr(). */
class Kernel {
  readonly list: NativeEndpoint[] = [];
  readonly proposed: number[] = [];
  dumps = 0;
  /** Linux 6.1 answers with the endpoints of the namespace. */
  truthful = true;
  /** Linux before 6.9 has no subflows with the id 0. */
  acceptsInitial = true;

  readonly dump = async (): Promise<NativeEndpoint[]> => {
    this.dumps++;
    await Promise.resolve();
    if (this.truthful) return [...this.list];
    return [1, 2, 3].map((id) => this.entry(id, addressOf(200 + id)));
  };

  entry(id: number, address: string, port = 0): NativeEndpoint {
    return { id, address, port, flags: 0, interface: 0 };
  }

  /** An incoming join gives its local address the lowest free id. */
  give(address: string): void {
    if (this.list.some((each) => each.address === address)) return;
    let id = 1;
    while (this.list.some((each) => each.id === id)) id++;
    this.list.push(this.entry(id, address));
  }

  add =
    (address: string, port = 0) =>
    async (id: number): Promise<number> => {
      this.proposed.push(id);
      await Promise.resolve();
      if (id === 0 && !this.acceptsInitial)
        throw refusal('ERR_MPTCP_SYSTEM', 'missing local addr id');
      const match = this.list.find(
        (each) => each.id === id || (each.address === address && each.port === port),
      );
      if (!match) this.list.push(this.entry(id, address, port));
      else if (match.id !== id || match.address !== address || match.port !== port) {
        throw refusal('ERR_MPTCP_EXISTS', 'did not match address and id');
      }
      return id;
    };
}

const refusal = (code: 'ERR_MPTCP_EXISTS' | 'ERR_MPTCP_SYSTEM', extack: string): MptcpError =>
  new MptcpError(code, extack, { errno: -22, extack });

test('an address whose id is withdrawn gets another one', async () => {
  const kernel = new Kernel();
  const ids = new AddressIds(kernel.dump, INITIAL);
  const create = (): Promise<number> => ids.forSubflow(addressOf(1), kernel.add(addressOf(1)));
  expect(await create()).toBe(1);
  kernel.list.length = 0;
  ids.retire(addressOf(1), 1);
  expect(await create()).toBe(2);
  // Where the kernel still has the former id, that is used again.
  ids.retire(addressOf(1), 2);
  expect(await create()).toBe(2);
});

describe('address ids', () => {
  let kernel: Kernel;
  let ids: AddressIds;
  beforeEach(() => {
    kernel = new Kernel();
    ids = new AddressIds(kernel.dump, INITIAL);
  });
  const announce = (address: string, port?: number): Promise<number> =>
    ids.forAnnouncement({ address, port }, kernel.add(address, port));
  const createSubflow = (address: string): Promise<number> =>
    ids.forSubflow(address, kernel.add(address));

  test('an address keeps its id, for subflows and announcements alike', async () => {
    expect(await announce(addressOf(1))).toBe(1);
    expect(await createSubflow(addressOf(2))).toBe(2);
    expect(await createSubflow(addressOf(1))).toBe(1);
    expect(await announce(addressOf(2))).toBe(2);
    expect(await ids.of({ address: addressOf(2) })).toBe(2);
    expect(kernel.dumps).toBe(0);
  });

  test('an address with a port of its own has an id of its own', async () => {
    expect(await announce(addressOf(1))).toBe(1);
    expect(await announce(addressOf(1), 5000)).toBe(2);
    expect(await ids.of({ address: addressOf(1), port: 5000 })).toBe(2);
  });

  test('addresses are the same however they are written', async () => {
    const id = await announce('fd00::1');
    expect(await ids.forSubflow('FD00:0::1%eth0', kernel.add('fd00::1'))).toBe(id);
    expect(await ids.of({ address: 'fd00:0:0::1' })).toBe(id);
  });

  test('an id that the kernel has given to another address is replaced at once', async () => {
    kernel.give(addressOf(9));
    expect(await announce(addressOf(1))).toBe(2);
    expect(kernel.proposed).toEqual([1, 2]);
  });

  test('an address to which the kernel has given an id keeps that', async () => {
    for (const number of [7, 8, 9]) kernel.give(addressOf(number));
    expect(await announce(addressOf(9))).toBe(3);
    expect(await ids.of({ address: addressOf(8) })).toBe(2);
  });

  test('an id of before is replaced when the kernel has given it away meanwhile', async () => {
    await createSubflow(addressOf(1));
    kernel.list.length = 0; // its subflow was destroyed
    kernel.give(addressOf(9));
    expect(await createSubflow(addressOf(1))).toBe(2);
    expect(await ids.of({ address: addressOf(1) })).toBe(2);
  });

  test('the address of the initial subflow has the id 0 for subflows, and is announced by another', async () => {
    expect(await createSubflow(INITIAL)).toBe(0);
    expect(await createSubflow(addressOf(1))).toBe(1);
    await expect(announce(INITIAL)).rejects.toMatchObject({ code: 'ERR_MPTCP_EXISTS' });
    expect(kernel.proposed).toEqual([0, 1, 2]); // no others: the kernel keeps 0
    expect(await createSubflow(INITIAL)).toBe(0);
    kernel.list.length = 0;
    expect(await announce(INITIAL)).toBe(2);
    expect(await createSubflow(INITIAL)).toBe(2);
  });

  test('a kernel without subflows of the id 0 gets another one', async () => {
    kernel.acceptsInitial = false;
    expect(await createSubflow(INITIAL)).toBe(1);
    expect(await createSubflow(INITIAL)).toBe(1);
    expect(kernel.proposed).toEqual([0, 1, 1]);
  });

  test('a kernel that lists something else: its refusals decide', async () => {
    kernel.truthful = false;
    for (const number of [7, 8, 9]) kernel.give(addressOf(number));
    expect(await announce(addressOf(1))).toBe(4);
    expect(await announce(addressOf(9))).toBe(3);
  });

  test('other failures are those of the command, and the id stays reserved', async () => {
    const failure = new MptcpError('ERR_MPTCP_SYSTEM', 'no route', { errno: -101 });
    const fails = jest.fn().mockRejectedValue(failure);
    await expect(ids.forSubflow(addressOf(1), fails)).rejects.toBe(failure);
    expect(fails.mock.calls).toEqual([[1]]);
    expect(await createSubflow(addressOf(2))).toBe(2);
  });

  test.each([
    ['lists it', true, 2],
    ['lists something else', false, 508],
  ])(
    'an id is refused to an address, then given to it: the kernel %s',
    async (_, truthful, proposals) => {
      kernel.truthful = truthful;
      kernel.give(addressOf(9));
      const add = kernel.add(addressOf(1));
      const created = ids.forSubflow(addressOf(1), (id) =>
        add(id).catch((error: unknown) => {
          if (kernel.proposed.length === 1) {
            kernel.list.length = 0;
            kernel.give(addressOf(1));
          }
          throw error;
        }),
      );
      expect(await created).toBe(1);
      expect(kernel.proposed).toHaveLength(proposals);
      expect(await ids.of({ address: addressOf(1) })).toBe(1);
    },
  );

  test('an id that the list names, and that is refused nevertheless, is not the only proposal', async () => {
    kernel.truthful = false;
    kernel.give(addressOf(9));
    expect(await createSubflow(addressOf(201))).toBe(4);
    expect(kernel.proposed).toEqual([1, 1, 4]);
  });

  test('a kernel that refuses everything is asked for each id twice', async () => {
    const refused = refusal('ERR_MPTCP_EXISTS', 'did not match address and id');
    const refuses = jest.fn().mockRejectedValue(refused);
    await expect(ids.forAnnouncement({ address: addressOf(1) }, refuses)).rejects.toBe(refused);
    const proposed = refuses.mock.calls.map(([id]) => id as number);
    expect(new Set(proposed).size).toBe(255);
    expect(proposed).toHaveLength(510);
  });

  test('ids that are no longer in use are used again when there are no others', async () => {
    for (let number = 0; number < 600; number++) {
      kernel.list.length = 0;
      const address = `10.${2 + (number >> 8)}.0.${number & 255}`;
      expect(await createSubflow(address)).toBeGreaterThan(0);
      expect(await ids.of({ address })).toBe(kernel.list[0]!.id);
    }
  });

  test('an address that the connection does not have', async () => {
    await expect(ids.of({ address: addressOf(1), port: 80 })).rejects.toMatchObject({
      code: 'ERR_MPTCP_NOT_FOUND',
      message: expect.stringContaining('10.1.0.1 with the port 80') as string,
    });
  });

  test('whatever the kernel gives away meanwhile, all at once: each address has one id', async () => {
    const step = fc.record({
      kind: fc.constantFrom('give', 'announce', 'createSubflow', 'destroy'),
      number: fc.integer({ min: 1, max: 12 }),
      port: fc.constantFrom(undefined, 5000),
      at: fc.integer({ min: 0, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, truthful) => {
        kernel = new Kernel();
        kernel.truthful = truthful;
        ids = new AddressIds(kernel.dump, addressOf(1));
        const run = async ({ kind, number, port, at }: (typeof steps)[number]): Promise<void> => {
          for (let turn = 0; turn < at; turn++) await Promise.resolve();
          const address = addressOf(number);
          if (kind === 'give') kernel.give(address);
          else if (kind === 'destroy') {
            const index = kernel.list.findIndex((each) => each.address === address);
            if (index >= 0) kernel.list.splice(index, 1);
          } else if (kind === 'createSubflow') await createSubflow(address);
          // The address of the initial subflow cannot be announced while the kernel lists it as 0.
          else if (number !== 1) await announce(address, port);
        };
        await Promise.all(steps.map(run));
        const listed = kernel.list.map(({ id }) => id);
        expect(new Set(listed).size).toBe(listed.length);
        const places = kernel.list.map(({ address, port }) => `${address} ${port}`);
        expect(new Set(places).size).toBe(places.length);
      }),
    );
  });
});
