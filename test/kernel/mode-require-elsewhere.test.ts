/** Tests that mode 'require' holds for sockets that reach a request or a server in another way. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describeKernel } from '../lab/jest';
import { Hosts } from '../lab/topologies';
import { type Inside, Peer, type Protocol } from './peers/peer';

interface Target {
  host: string;
  port: number;
  /** Whether the sockets that are made elsewhere speak MPTCP. */
  protocol: Protocol;
}

/** Ways in which a socket reaches a request or a session that requires MPTCP; resolves to the outcome. */
type Way = (inside: Inside, target: Target) => Promise<string>;

const ways: Record<string, Way> = {
  'an agent of Node': async ({ http, modules }, { protocol, ...target }) => {
    const agent = new (modules(protocol).http.Agent)();
    return new Promise((resolve) => {
      http
        .get({ ...target, agent, mptcp: { mode: 'require' } }, (response) => {
          response.resume();
          resolve('answered');
        })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    });
  },
  "an agent's pooled connection": async ({ http, modules }, { protocol, ...target }) => {
    const agent = new (modules(protocol).http.Agent)({ keepAlive: true, maxSockets: 1 });
    const get = (options: object) =>
      new Promise<string>((resolve) => {
        const request = http.get({ ...target, agent, path: '/', ...options }, (response) => {
          response.resume().on('end', () => setImmediate(resolve, 'answered'));
        });
        request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
      });
    await get({ path: '/first' });
    const outcome = await get({ mptcp: { mode: 'require' } });
    agent.destroy();
    return outcome;
  },
  createConnection: async ({ http, modules }, { protocol, ...target }) =>
    new Promise((resolve) => {
      const createConnection = () => modules(protocol).net.connect(target);
      http
        .get({ ...target, createConnection, mptcp: { mode: 'require' } }, (response) => {
          response.resume();
          resolve('answered');
        })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    }),
  'createConnection of HTTP/2': async ({ http2, modules }, { protocol, ...target }) =>
    new Promise((resolve) => {
      const createConnection = () => modules(protocol).net.connect(target);
      const options = { createConnection, mptcp: { mode: 'require' } } as const;
      const session = http2.connect('http://peer.example', options);
      session.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
      session.once('remoteSettings', () => resolve('answered'));
      session.once('close', () => resolve('closed'));
    }),
  'a connected socket below TLS': async ({ tls, modules, once }, { protocol, ...target }) => {
    const socket = modules(protocol).net.connect(target);
    await once(socket, 'connect');
    return new Promise((resolve) => {
      const options = { socket, rejectUnauthorized: false, mptcp: { mode: 'require' } } as const;
      tls
        .connect(options, () => resolve('answered'))
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    });
  },
  'a connecting socket below TLS': async ({ tls, modules }, { protocol, ...target }) => {
    const socket = modules(protocol).net.connect(target);
    return new Promise((resolve) => {
      const options = { socket, rejectUnauthorized: false, mptcp: { mode: 'require' } } as const;
      tls
        .connect(options, () => resolve('answered'))
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    });
  },
};

/** Answers each kind of request, and keeps its connections in `state.sockets`. */
const serve = (
  { modules, listen, certificate, state }: Inside,
  protocol: Protocol,
  kind: 'http' | 'http2' | 'tls',
) => {
  const { http, http2, tls } = modules(protocol);
  state.sockets = [];
  const server = {
    http: () => http.createServer((_request, response) => response.end('x')),
    http2: () => http2.createServer(),
    tls: () => tls.createServer(certificate),
  }[kind]();
  server.on('connection', (socket: Socket) =>
    state.sockets.push(socket.on('error', () => undefined)),
  );
  return listen(server);
};
/** How many bytes the server has received in all. */
const received = ({ state }: Inside) =>
  state.sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);

const kindOf = (name: string) =>
  name.includes('TLS') ? 'tls' : name.includes('HTTP/2') ? 'http2' : 'http';

/** Runs a program with a listening socket as descriptor 5, as systemd does. */
const HAND_OVER = `
import os, socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, int(sys.argv[2]))
listener.bind((sys.argv[1], 8080))
listener.listen()
os.dup2(listener.fileno(), 5)
os.execv(sys.argv[3], sys.argv[3:])`;

describeKernel("mode 'require' and sockets made elsewhere", {}, () => {
  describe.each(Object.entries(ways))('%s', (name, way) => {
    test.each(['tcp', 'mptcp'] as const)('%s', async (protocol) => {
      await using lab = await Hosts.connect([{}], {});
      const [server, client] = [await Peer.start(lab.server), await Peer.start(lab.client)];
      const port = await server.run(serve, protocol, kindOf(name));
      const host = lab.paths[0].server.address;
      const outcome = await client.run(way, { host, port, protocol });
      if (protocol === 'mptcp') {
        expect(outcome).toBe('answered');
        return;
      }
      expect(outcome).toBe('ERR_MPTCP_FALLBACK');
      if (!name.includes('pooled')) expect(await server.run(received)).toBe(0);
    });
  });

  test("server.emit('connection') of a TCP socket is reset, of an MPTCP one it is not", async () => {
    await using lab = await Hosts.connect([{}], {});
    const [server, client] = [await Peer.start(lab.server), await Peer.start(lab.client)];
    const port = await server.run(({ http, net, listen, record, state }) => {
      state.messages = record('mptcp:rejected', ({ error }: { error: Error }) => error.message);
      const inner = http.createServer({ mptcp: { mode: 'require' } }, (_request, response) =>
        response.end('x'),
      );
      return listen(net.createServer((socket) => void inner.emit('connection', socket)));
    });
    const get = (protocol: Protocol) =>
      client.run(
        ({ modules }, which, target) =>
          new Promise<string>((resolve) => {
            modules(which)
              .http.get({ ...target, agent: false }, (response) => {
                response.resume();
                resolve('answered');
              })
              .on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
          }),
        protocol,
        { host: lab.paths[0].server.address, port },
      );
    expect(await get('mptcp')).toBe('answered');
    expect(await get('tcp')).toBe('ECONNRESET');
    expect(await server.run(({ state }) => state.messages.length)).toBe(1);
  });

  test.each([
    ['mptcp', 'prefer', ['mptcp true', 'fallback true']],
    ['mptcp', 'require', ['mptcp true', 'ECONNRESET']],
    ['tcp', 'prefer', ['tcp false', 'tcp false']],
    ['tcp', 'require', 'ERR_MPTCP_UNAVAILABLE'],
  ] as const)(
    "a cluster's worker that listens at a descriptor of %s, mode %s",
    async (protocol, mode, expected) => {
      await using lab = await Hosts.connect([{}], {});
      const { address } = lab.paths[0].server;
      const program = join(__dirname, 'peers', 'cluster-by-descriptor.js');
      const dist = join(__dirname, '..', '..', 'dist');
      const number = protocol === 'mptcp' ? '262' : '6';
      const { child } = lab.server.spawn('python3', [
        ...['-c', HAND_OVER, address, number],
        ...[process.execPath, program, dist, mode],
      ]);
      const printed = String((await once(child.stdout, 'data'))[0]).trim();
      if (typeof expected === 'string') {
        expect(printed).toBe(expected);
        return;
      }
      expect(printed).toBe('listening');
      const client = await Peer.start(lab.client);
      const ask = (which: Protocol) =>
        client.run(
          ({ modules }, name, target) =>
            new Promise<string>((resolve) => {
              const socket = modules(name).net.connect(target);
              socket.on('data', (data) => resolve(String(data)));
              socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
            }),
          which,
          { host: address, port: 8080 },
        );
      expect([await ask('mptcp'), await ask('tcp')]).toEqual(expected);
    },
  );
});
