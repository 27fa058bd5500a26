/** Tests of the errors of connections: what is closed, what speaks TCP and why. */
import { describeKernel } from '../lab/jest';
import { Hosts } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';

const hintPaths = async ({ state }: Inside) =>
  (await state.connection.hint({ paths: { subflows: 2, avoid: 'eth9' } })).map(
    ({ hint, applied, reason }) => [hint, applied, reason?.code],
  );

/** Starts a TCP server and a client of it, and returns the text of the fallback's error. */
async function fallback(mode?: 'off') {
  const lab = await Hosts.connect([{}], {});
  const [server, client] = [await Peer.start(lab.server), await Peer.start(lab.client)];
  if (mode === 'off') lab.client.sysctl('net.mptcp.enabled', 0);
  const port = await server.run(({ plain, listen }) =>
    listen(
      plain.net.createServer((socket) => void socket.on('error', () => undefined).pipe(socket)),
    ),
  );
  await client.run(({ record, state }) => {
    state.messages = record('mptcp:fallback', ({ error }: { error: Error }) => error.message);
  });
  const target = { host: lab.paths[0].server.address, port };
  await client.run(echoes.net.ask, 'mptcp', target);
  const [text] = await client.run(({ state }) => state.messages as string[]);
  return { client, target, text, [Symbol.asyncDispose]: () => lab.dispose() };
}

describeKernel('errors of a connection', {}, () => {
  test('over TCP: hints about paths have results, at creation and later, and no warning', async () => {
    await using lab = await fallback();
    const expected = [
      ['paths.avoid', false, 'ERR_MPTCP_FALLBACK'],
      ['paths.subflows', false, 'ERR_MPTCP_FALLBACK'],
    ];
    expect(await lab.client.run(hintPaths)).toEqual(expected);
    const mptcp = { hints: { paths: { subflows: 2 } } };
    await lab.client.run(echoes.net.ask, 'mptcp', { ...lab.target, mptcp });
    await lab.client.run(({ state, until }) =>
      until(() => state.connection.hints.some(({ hint }) => hint === 'paths.subflows')),
    );
    expect(
      await lab.client.run(({ state, warnings }) => [
        state.connection.hints
          .filter(({ hint }) => hint.startsWith('paths.'))
          .map(({ hint, applied }) => [hint, applied]),
        warnings,
      ]),
    ).toEqual([[['paths.subflows', false]], []]);
  });

  test('a fallback names its cause, and says of requirements only what holds', async () => {
    await using peer = await fallback();
    expect(peer.text).toMatch(/the peer does not speak MPTCP, or the path/);
    expect(peer.text).not.toMatch(/require/);
    await using own = await fallback('off');
    expect(own.text).toMatch(/this machine cannot speak MPTCP.*net\.mptcp\.enabled/);
  });

  test('a closed socket is reported as closed', async () => {
    await using lab = await fallback();
    const codes = await lab.client.run(async ({ state, once }) => {
      state.socket.destroy();
      await once(state.socket, 'close');
      const { connection } = state;
      const calls = [() => connection.info(), () => connection.subflows()];
      return calls.map((call) => {
        try {
          call();
          return 'nothing';
        } catch (error) {
          return (error as NodeJS.ErrnoException).code;
        }
      });
    });
    expect(codes).toEqual(['ERR_MPTCP_CLOSED', 'ERR_MPTCP_CLOSED']);
  });

  test('createSubflow() says what is wrong with an interface', async () => {
    await using lab = await Hosts.connect([{}], {});
    const [server, client] = [await Peer.start(lab.server), await Peer.start(lab.client)];
    const port = await server.run(echoes.net.serve);
    await client.run(async ({ mptcp, state }) => {
      state.pathManager = await mptcp.PathManager.open();
      await state.pathManager.mode.set('userspace');
    });
    await client.run(echoes.net.ask, 'mptcp', { host: lab.paths[0].server.address, port });
    const messages = await client.run(
      ({ state }, names) =>
        Promise.all(
          names.map((name) =>
            state.connection
              .createSubflow({ interface: name })
              .then(String, (error: unknown) => (error as Error).message),
          ),
        ),
      ['lo', 'eth9'],
    );
    expect(messages[0]).toMatch('is the loopback');
    expect(messages[1]).toMatch('No interface is called eth9');
  });
});
