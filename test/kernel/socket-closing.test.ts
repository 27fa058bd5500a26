/** Tests that closing and aborting sockets over MPTCP looks to both sides as it does over TCP. */
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { FAMILIES } from '../lab/path-end';
import { Hosts } from '../lab/topologies';
import { type Inside, Peer, type Protocol } from './peers/peer';

/** The most that an abort may be noticed later than over TCP; the kernel alone takes 60 s. */
const MOST = 1000; // ms

interface Abort {
  /** Starts a server that sends without end, and records in `state.events` that a connection ended. */
  serve: (inside: Inside, protocol: Protocol) => Promise<number>;
  /** Reads some data, then aborts. */
  abort: (inside: Inside, protocol: Protocol, host: string, port: number) => Promise<void>;
}

const aborts: Record<'net' | 'a little at a time' | 'https' | 'http2', Abort> = {
  // Nothing is unread when the client aborts: the kernel alone sends no reset for 60 s.
  'a little at a time': {
    serve: ({ modules, listen, state }, protocol) => {
      state.events = [];
      const server = modules(protocol).net.createServer({ allowHalfOpen: true }, (socket) => {
        const timer = setInterval(() => socket.write('x'.repeat(1000)), 20);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          clearInterval(timer);
          state.events.push('close');
        });
      });
      return listen(server);
    },
    abort: async ({ modules, happened }, protocol, host, port) => {
      const socket = modules(protocol).net.connect(port, host);
      await happened(socket, 'data');
      socket.destroy();
    },
  },
  net: {
    serve: ({ modules, listen, bytes, state }, protocol) => {
      state.events = [];
      const server = modules(protocol).net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('close', () => state.events.push('close'));
        bytes(2 ** 40).pipe(socket);
      });
      return listen(server);
    },
    abort: async ({ modules, until }, protocol, host, port) => {
      const socket = modules(protocol).net.connect(port, host);
      let received = 0;
      socket.on('data', ({ length }) => (received += length));
      await until(() => received > 1 << 20);
      socket.destroy();
    },
  },
  https: {
    serve: ({ modules, listen, bytes, state, certificate }, protocol) => {
      state.events = [];
      const server = modules(protocol).https.createServer(certificate, (_request, response) => {
        response.on('close', () => state.events.push('close'));
        bytes(2 ** 40).pipe(response);
      });
      return listen(server);
    },
    abort: async ({ modules, until }, protocol, host, port) => {
      const options = { host, port, rejectUnauthorized: false, agent: false } as const;
      let received = 0;
      const request = modules(protocol).https.get(options, (response) => {
        response.on('data', ({ length }: Buffer) => (received += length));
        response.on('error', () => undefined);
      });
      await until(() => received > 1 << 20);
      request.destroy();
    },
  },
  http2: {
    serve: ({ modules, listen, bytes, state, certificate }, protocol) => {
      state.events = [];
      const server = modules(protocol).http2.createSecureServer(certificate);
      server.on('session', (session) => {
        session.on('error', () => undefined).on('close', () => state.events.push('close'));
      });
      server.on('stream', (stream) => {
        stream.on('error', () => undefined).respond();
        bytes(2 ** 40).pipe(stream);
      });
      return listen(server);
    },
    abort: async ({ modules, until }, protocol, host, port) => {
      const authority = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
      const session = modules(protocol).http2.connect(authority, { rejectUnauthorized: false });
      const stream = session.on('error', () => undefined).request();
      let received = 0;
      stream.on('data', ({ length }: Buffer) => (received += length)).on('error', () => undefined);
      await until(() => received > 1 << 20);

      session.destroy();
    },
  },
};

const PROTOCOLS = ['tcp', 'mptcp'] as const;

describeKernel('closing a socket', { needs: [] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    let lab: Hosts<readonly [Path]>;
    let server: Peer;
    let client: Peer;
    let host: string;

    beforeAll(async () => {
      lab = await Hosts.connect([{ rate: '200mbit' }], { family });
      host = lab.paths[0].server.address;
    });
    afterAll(() => lab.dispose());
    beforeEach(async () => {
      [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    });
    afterEach(() => Promise.all([server.stop(), client.stop()]));

    test.each(Object.entries(aborts))(
      '%s: the server notices a client that aborts in mid-download as fast as over TCP',
      async (_name, { serve, abort }) => {
        const took: Record<Protocol, number> = { tcp: NaN, mptcp: NaN };
        for (const protocol of PROTOCOLS) {
          const port = await server.run(serve, protocol);
          await client.run(abort, protocol, host, port);
          const start = performance.now();
          await server.run(({ state, until }) => until(() => state.events.length > 0, 30_000));
          took[protocol] = performance.now() - start;
        }
        expect(took.mptcp - took.tcp).toBeLessThan(MOST);
      },
    );

    test('the client notices a server that aborts in mid-upload as fast as over TCP', async () => {
      const took: Record<Protocol, number> = { tcp: NaN, mptcp: NaN };
      for (const protocol of PROTOCOLS) {
        const port = await server.run(({ modules, listen }, its) => {
          const receiving = modules(its).net.createServer((socket) => {
            let received = 0;
            socket
              .on('error', () => undefined)
              .on('data', ({ length }) => {
                if ((received += length) > 1 << 20) socket.destroy();
              });
          });
          return listen(receiving);
        }, protocol);
        took[protocol] = await client.run(
          async ({ modules, bytes, happened }, its, to, at) => {
            const socket = modules(its).net.connect(at, to);
            socket.on('error', () => undefined);
            const start = performance.now();
            bytes(2 ** 40).pipe(socket);
            await happened(socket, 'close');
            return performance.now() - start;
          },
          protocol,
          host,
          port,
        );
      }
      expect(took.mptcp - took.tcp).toBeLessThan(MOST);
    });

    test.each(['destroy', 'end'] as const)(
      '%s() of an idle client is a clean end, as over TCP',
      async (how) => {
        const ends: string[][] = [];
        for (const protocol of PROTOCOLS) {
          const port = await server.run(({ modules, listen, state }, its) => {
            state.events = [];
            const quiet = modules(its).net.createServer((socket) => {
              socket.on('data', (data) => state.events.push(String(data)));
              for (const event of ['end', 'error', 'close']) {
                socket.on(event, () => state.events.push(event));
              }
            });
            return listen(quiet);
          }, protocol);
          await client.run(
            async ({ modules, happened }, its, to, at, way) => {
              const socket = modules(its).net.connect(at, to);
              await happened(socket, 'connect');
              await new Promise((sent) => socket.write('all of it', sent));
              socket[way]();
              await happened(socket, 'close');
            },
            protocol,
            host,
            port,
            how,
          );
          await server.run(({ state, until }) => until(() => state.events.includes('close')));
          ends.push(await server.run(({ state }) => state.events));
        }
        expect(ends[1]).toEqual(['all of it', 'end', 'close']);
        expect(ends[1]).toEqual(ends[0]);
      },
    );

    test('data written before destroy() arrives, as over TCP', async () => {
      const lengths: number[] = [];
      for (const protocol of PROTOCOLS) {
        const port = await server.run(({ modules, listen, state }, its) => {
          state.events = [];
          state.received = 0;
          const slow = modules(its).net.createServer((socket) => {
            socket.on('data', ({ length }) => (state.received += length));
            for (const event of ['error', 'close']) {
              socket.on(event, () => state.events.push(event));
            }
          });
          return listen(slow);
        }, protocol);
        await client.run(
          async ({ modules, happened }, its, to, at) => {
            const socket = modules(its).net.connect(at, to);
            await happened(socket, 'connect');
            // At the callback the kernel has buffered all of it, and sent little.
            await new Promise((buffered) => socket.write(Buffer.alloc(1 << 20), buffered));
            socket.destroy();
          },
          protocol,
          host,
          port,
        );
        await server.run(({ state, until }) => until(() => state.events.includes('close')));
        expect(await server.run(({ state }) => state.events)).toEqual(['close']);
        lengths.push(await server.run(({ state }) => state.received));
      }
      expect(lengths).toEqual([1 << 20, 1 << 20]);
    });

    /** Destroys a connection to a server that does not close its side; returns what it left open. */
    const leftBehind = async (its: Protocol): Promise<{ before: number; after: number }> => {
      const port = await server.run(({ modules, listen }, protocol) => {
        const holding = modules(protocol).net.createServer({ allowHalfOpen: true }, (socket) => {
          socket.on('error', () => undefined).resume();
        });
        return listen(holding);
      }, its);
      return client.run(
        async ({ net, happened, descriptors }, to, at) => {
          const before = descriptors();
          const socket = net.connect(at, to);
          await happened(socket, 'connect');
          socket.destroy();
          await happened(socket, 'close');
          return { before, after: descriptors() };
        },
        host,
        port,
      );
    };

    test('a connection that speaks TCP leaves no descriptor behind', async () => {
      await leftBehind('tcp'); // what the first connection opens stays open
      const { before, after } = await leftBehind('tcp');
      expect(after).toBe(before);
    });

    test('a descriptor is kept for net.mptcp.close_timeout where the peer does not close', async () => {
      const longest = lab.client.sysctl('net.mptcp.close_timeout');
      lab.client.sysctl('net.mptcp.close_timeout', '2');
      try {
        const start = performance.now();
        const { before, after } = await leftBehind('mptcp');
        expect(after).toBeGreaterThan(before);
        await client.run(
          ({ until, descriptors }, most) => until(() => descriptors() <= most),
          before,
        );
        expect(performance.now() - start).toBeGreaterThan(2000);
        expect(performance.now() - start).toBeLessThan(20_000);
      } finally {
        lab.client.sysctl('net.mptcp.close_timeout', longest);
      }
    });

    test('the descriptor kept after destroy() is closed after the peer has closed, and keeps no process alive', async () => {
      const port = await server.run(({ net, listen, state }) => {
        // Does not close its side when the client has ended.
        const holding = net.createServer({ allowHalfOpen: true }, (socket) => {
          state.socket = socket.on('error', () => undefined).resume();
        });
        return listen(holding);
      });
      const descriptors = () => client.run(({ descriptors: count }) => count());
      const before = await descriptors();
      await client.run(
        async ({ net, happened }, to, at) => {
          const socket = net.connect(at, to);
          await happened(socket, 'connect');
          socket.destroy();
          await happened(socket, 'close');
        },
        host,
        port,
      );
      await server.run(({ state, until }) =>
        until(() => 'socket' in state && state.socket.readableEnded),
      );
      expect(await descriptors()).toBeGreaterThan(before);
      await server.run(({ state }) => void state.socket.end());
      await client.run(
        ({ until, descriptors: count }, most) => until(() => count() <= most),
        before,
      );

      const script = `
        const net = require(${JSON.stringify(require.resolve('../../dist/net.js'))});
        const socket = net.connect(${port}, ${JSON.stringify(host)}, () => socket.destroy());`;
      const start = performance.now();
      await lab.client.spawn(process.execPath, ['-e', script]).success();
      expect(performance.now() - start).toBeLessThan(30_000);
    });
  });
});
