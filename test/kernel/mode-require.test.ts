/** Tests of mode 'require': no event and no byte without MPTCP, on either side. */
import type { Socket } from 'node:net';
import type { MptcpOptions } from '../../lib';
import { describeKernel } from '../lab/jest';
import { clampMss, rewrite, stripFromData, stripOptions } from '../lab/middleboxes';
import type { Path } from '../lab/path';
import { FAMILIES } from '../lab/path-end';
import { Hosts } from '../lab/topologies';
import { echoes, KINDS } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';

const REQUIRED: MptcpOptions = { mode: 'require' };

/** The events of a connection attempt, and the code of its error. */
interface Outcome {
  events: string[];
  code?: string;
}

type Connect = (
  inside: Inside,
  target: { host: string; port: number; mptcp: MptcpOptions },
  addresses?: string[],
) => Promise<Outcome>;

/** Ways to connect; data written early must not be sent before the protocol is known. */
const connects: Record<string, Connect> = {
  net: async ({ net, resolving, happened }, target, addresses) => {
    const events: string[] = [];
    const socket = net.connect({ ...target, ...resolving(addresses) });
    for (const event of ['connect', 'ready', 'data']) socket.on(event, () => events.push(event));
    let code: string | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    socket.write('never');
    await happened(socket, 'close');
    return { events, code };
  },
  tls: async ({ tls, resolving, happened }, target, addresses) => {
    const events: string[] = [];
    const socket = tls.connect({ rejectUnauthorized: false, ...target, ...resolving(addresses) });
    for (const event of ['connect', 'secureConnect', 'data'])
      socket.on(event, () => events.push(event));
    let code: string | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    socket.write('never');
    await happened(socket, 'close');
    return { events, code };
  },
  https: async ({ https, resolving, happened }, target, addresses) => {
    const events: string[] = [];
    const options = { agent: false, rejectUnauthorized: false } as const;
    const request = https.get({ ...options, ...target, ...resolving(addresses) });
    request.on('response', () => events.push('response'));
    let code: string | undefined;
    request.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    await happened(request, 'close');
    return { events, code };
  },
  http2: async ({ http2, resolving, happened }, { host, port, mptcp }, addresses) => {
    const events: string[] = [];
    const authority = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    const options = { rejectUnauthorized: false, mptcp, ...resolving(addresses) };
    const session = http2.connect(authority, options);
    session.on('connect', () => events.push('connect'));
    let code: string | undefined;
    session.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    await happened(session, 'close');
    return { events, code };
  },
};

/** Starts a TCP server that counts the bytes it receives. */
const count = ({ plain, listen, state }: Inside) => {
  state.received = 0;
  return listen(
    plain.net.createServer((socket) => {
      socket.on('error', () => undefined).on('data', ({ length }) => (state.received += length));
    }),
  );
};

describeKernel("mode 'require'", { needs: ['nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    let lab: Hosts<readonly [Path]>;
    let server: Peer;
    let client: Peer;

    beforeEach(async () => {
      lab = await Hosts.connect([{ router: true }], { family });
      [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    });
    afterEach(() => lab.dispose());

    describe.each(Object.entries(connects))('%s', (_name, connect) => {
      test('fails towards a server without MPTCP before any event, and sends no byte', async () => {
        const port = await server.run(count);
        const target = { host: lab.paths[0].server.address, port, mptcp: REQUIRED };
        const outcome = await client.run(connect, target);

        expect(outcome).toEqual({ events: [], code: 'ERR_MPTCP_FALLBACK' });
        expect(await server.run(({ state }) => state.received)).toBe(0);
      });

      test('fails on a machine without MPTCP', async () => {
        lab.client.sysctl('net.mptcp.enabled', 0);
        const port = await server.run(count);
        const target = { host: lab.paths[0].server.address, port, mptcp: REQUIRED };

        const outcome = await client.run(connect, target);
        expect(outcome).toEqual({ events: [], code: 'ERR_MPTCP_UNAVAILABLE' });
        expect(await client.run(({ warnings }) => warnings)).toEqual([]);
      });

      test('fails with Happy Eyeballs too, after the first address has refused', async () => {
        const other = lab.paths[0].server.address.replace(/1$/, '9');
        lab.server.ip('address', 'add', other, 'dev', 'eth1');
        lab.server.nft(`
          table inet refuse {
            chain input {
              type filter hook input priority 0
              ${family === 4 ? 'ip' : 'ip6'} daddr ${other} meta l4proto tcp reject with tcp reset
            }
          }`);
        const port = await server.run(count);
        const target = { host: 'server.example', port, mptcp: REQUIRED };
        const addresses = [other, lab.paths[0].server.address];

        const outcome = await client.run(connect, target, addresses);
        expect(outcome).toEqual({ events: [], code: 'ERR_MPTCP_FALLBACK' });
        expect(await server.run(({ state }) => state.received)).toBe(0);
      });
    });

    test.each(KINDS)('%s connects where both sides require MPTCP and have it', async (kind) => {
      const port = await server.run(echoes[kind].serve, REQUIRED);
      const target = { host: lab.paths[0].server.address, port, mptcp: REQUIRED };
      const answer = await client.run(echoes[kind].ask, 'mptcp', target);
      expect(answer).toMatchObject({ answer: 'hello', status: 'mptcp' });
    });

    test.each(['net', 'tls'] as const)(
      'a %s server resets a TCP client, and publishes it',
      async (kind) => {
        const port = await server.run(echoes[kind].serve, REQUIRED);
        const host = lab.paths[0].server.address;
        await server.run(({ record, state }) => {
          interface Rejected {
            remoteAddress: string;
            remotePort: number;
            error: NodeJS.ErrnoException;
          }
          state.messages = record<unknown[]>(
            'mptcp:rejected',
            ({ remoteAddress, remotePort, error }: Rejected) => [
              remoteAddress.replace('::ffff:', ''),
              typeof remotePort,
              error.code,
            ],
          );
          state.events = [];
          for (const event of ['connection', 'secureConnection']) {
            state.server.on(event, () => state.events.push(event));
          }
        });
        const code = await client.run(
          async ({ plain, happened }, to) => {
            const socket = plain.net.connect(to);
            let error: NodeJS.ErrnoException | undefined;
            socket.on('error', (its) => (error = its));
            await happened(socket, 'close');
            return error?.code;
          },
          { host, port },
        );

        expect(code).toBe('ECONNRESET');
        expect(await server.run(({ state }) => [state.messages, state.events])).toEqual([
          [[lab.paths[0].client.address, 'number', 'ERR_MPTCP_FALLBACK']],
          [],
        ]);
      },
    );

    test('a server on a machine without MPTCP does not listen', async () => {
      lab.server.sysctl('net.mptcp.enabled', 0);
      const code = await server.run(async ({ net, happened }) => {
        const unavailable = net.createServer({ mptcp: { mode: 'require' } });
        const error = happened(unavailable, 'error') as Promise<[NodeJS.ErrnoException]>;
        unavailable.listen(0);
        return [(await error)[0].code, unavailable.listening];
      });
      expect(code).toEqual(['ERR_MPTCP_UNAVAILABLE', false]);
    });

    test('a later fallback destroys the socket', async () => {
      for (const host of [lab.client, lab.server]) host.sysctl('net.mptcp.checksum_enabled', 1);
      const [path] = lab.paths;
      path.insert(clampMss(1380));
      path.limitRate('20mbit');
      const port = await server.run(({ net, listen, bytes }) =>
        listen(net.createServer((socket) => void bytes(1 << 28).pipe(socket.on('error', () => 0)))),
      );
      const outcome = client.run(
        async ({ net, happened, state }, host, to) => {
          const socket = net.connect({ host, port: to, mptcp: { mode: 'require' } });
          state.received = 0;
          let code: string | undefined;
          socket.on('data', ({ length }) => (state.received += length));
          socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
          await happened(socket, 'close');
          return code;
        },
        path.server.address,
        port,
      );
      await client.run(({ state, until }) => until(() => state.received > 1 << 20));
      path.insert(rewrite, 'toClient');
      expect(await outcome).toBe('ERR_MPTCP_FALLBACK');
    });

    test.each(['net', 'tls', 'http'] as const)(
      'a %s server passes nothing on of a connection whose first data fall back',
      async (kind) => {
        lab.paths[0].insert(stripFromData);
        const port = await server.run((inside, its) => {
          const { state, certificate, listen } = inside;
          state.events = [];
          const mptcp = { mode: 'require' } as const;
          const received = (what: string) => () => void state.events.push(what);
          if (its === 'http')
            return listen(inside.http.createServer({ mptcp }, received('request')));
          const accept = (socket: Socket) => {
            socket.on('data', received('data')).on('error', () => undefined);
          };
          return its === 'net'
            ? listen(inside.net.createServer({ mptcp }, accept))
            : listen(inside.tls.createServer({ ...certificate, mptcp }, accept));
        }, kind);
        await client.run(
          async (inside, its, host, to) => {
            const { happened, net, tls } = inside;
            const socket =
              its === 'tls'
                ? tls.connect({ host, port: to, rejectUnauthorized: false })
                : net.connect(to, host);
            socket.on('error', () => undefined).resume();
            socket.write('GET / HTTP/1.1\r\nHost: server\r\n\r\n');
            await happened(socket, 'close');
          },
          ...([kind, lab.paths[0].server.address, port] as const),
        );
        expect(await server.run(({ state }) => state.events)).toEqual([]);
      },
    );

    test.each(['net', 'http'] as const)(
      'a %s client receives nothing from a server whose first data fall back',
      async (kind) => {
        const port = await server.run(({ net, listen }) =>
          listen(
            net.createServer((socket) => {
              socket.on('error', () => undefined);
              socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
            }),
          ),
        );
        lab.paths[0].insert(stripFromData, 'toClient');
        const target = { host: lab.paths[0].server.address, port, mptcp: REQUIRED };
        const outcome = await client.run(
          async ({ net, http, happened }, its, to) => {
            const events: string[] = [];
            let code: string | undefined;
            const failed = (error: NodeJS.ErrnoException) => (code = error.code);
            const received = () => void events.push('received');
            const closing =
              its === 'net'
                ? net.connect(to).on('data', received).on('error', failed)
                : http.get({ ...to, agent: false }, received).on('error', failed);
            await happened(closing, 'close');
            return { events, code };
          },
          ...([kind, target] as const),
        );
        expect(outcome).toEqual({ events: [], code: 'ERR_MPTCP_FALLBACK' });
      },
    );

    test('fails on a path that strips the options', async () => {
      lab.paths[0].insert(stripOptions);
      const port = await server.run(count);
      const target = { host: lab.paths[0].server.address, port, mptcp: REQUIRED };
      const outcome = await client.run(connects.net!, target);
      expect(outcome).toEqual({ events: [], code: 'ERR_MPTCP_FALLBACK' });
    });
  });
});
