/** Tests of the addon's commands for single connections, in the userspace path manager mode. */
import type { NativeCommand, NativeEndpoint, NativeEvent } from '../../../types/native';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';
import { Peer } from '../peers/peer';
import { Delivered, answer, closing, failure, native } from './native';

const CREATED = 1;
const ESTABLISHED = 2;
const ANNOUNCED = 6;
const REMOVED = 7;
const SUB_ESTABLISHED = 10;
const SUB_CLOSED = 11;
const SUB_PRIORITY = 13;

const BACKUP = 4;

describeKernel('commands for one connection', {}, () => {
  test.each([
    { family: 4, first: '10.0.0.1', second: '10.0.0.2', third: '10.0.0.3', bits: 32 },
    { family: 6, first: 'fd00::1', second: 'fd00::2', third: 'fd00::3', bits: 128 },
  ])(
    'IPv$family: announce an address, create, change and destroy a subflow, remove the address',
    async (addresses) => {
      const { first, second, third, bits } = addresses;
      await using host = new Namespace('userspace');
      for (const address of [first, second, third]) {
        host.ip(
          'address',
          'add',
          `${address}/${bits}`,
          'dev',
          'lo',
          ...(bits > 32 ? ['nodad'] : []),
        );
      }
      await using commands = closing(new native.Commands(host.name));
      const run = async (command: NativeCommand) => {
        const [reply] = await answer<unknown[]>((done) => commands.run([command], done));
        if (reply !== undefined) throw reply as Error;
      };
      host.pathManager('userspace');
      const events = new Delivered<NativeEvent>();
      await using watcher = closing(
        new native.EventWatcher(host.name, { queue: 100 }, events.deliver),
      );
      watcher.unref();
      await events.opened();
      const event = (what: string, type: number, token: number) =>
        events.find(what, (each) => each.type === type && each.token === token);

      const [server, peer] = [await Peer.start(host), await Peer.start(host)];
      const port = await server.run(({ net, listen }) =>
        listen(net.createServer((socket) => void socket.write('x'))),
      );
      const client = await peer.run(
        async ({ net, mptcp, once, state }, port, host) => {
          state.socket = net.connect(port, host);
          await once(state.socket, 'data'); // a first byte: the connection is fully established
          return mptcp.connectionOf(state.socket).token!;
        },
        port,
        first,
      );
      await event('the connection', ESTABLISHED, client);
      const accepted = await events.find(
        'the accepted connection',
        ({ type, serverSide }) => type === CREATED && serverSide === true,
      );

      const endpoint = { port: 0, flags: 0, interface: 0 };
      await run({
        command: 'announce',
        token: accepted.token!,
        endpoint: { ...endpoint, id: 3, address: third },
      });
      expect(await event('the announced address', ANNOUNCED, client)).toMatchObject({
        ...{ remoteId: 3, remote: { address: third, port } },
      });

      await run({
        command: 'createSubflow',
        token: client,
        local: { ...endpoint, id: 2, address: second },
        remote: { address: third, port },
      });
      const { local, remote } = await event('the subflow', SUB_ESTABLISHED, client);
      expect(local).toMatchObject({ address: second });
      expect(remote).toEqual({ address: third, port });
      const list = await answer<NativeEndpoint[]>((done) => commands.endpoints(client, done));
      expect(list).toContainEqual(expect.objectContaining({ id: 2, address: second }));
      expect(
        await answer((done) =>
          commands.run([{ command: 'getEndpoint', id: 2, token: client }], done),
        ),
      ).toMatchObject([{ id: 2, address: second }]);

      const subflow = { token: client, local: local!, remote: remote! };
      await run({ command: 'setSubflowFlags', ...subflow, flags: BACKUP });
      expect(await event('the priority', SUB_PRIORITY, accepted.token!)).toMatchObject({
        ...{ backup: true, remote: local },
      });
      await run({ command: 'destroySubflow', ...subflow });
      await event('the end of the subflow', SUB_CLOSED, client);
      await run({ command: 'remove', token: accepted.token!, localId: 3 });
      expect(await event('the removal', REMOVED, client)).toMatchObject({ remoteId: 3 });

      const error = await failure((done) => {
        void run({ command: 'remove', token: 1, localId: 3 }).catch(done);
      });
      expect(error).toMatchObject({ errno: 22, extack: 'invalid token' });
    },
  );
});
