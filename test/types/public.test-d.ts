/** Tests of the public types, which tsc alone checks: nothing here runs. */
import type nodeHttp from 'node:http';
import type nodeHttp2 from 'node:http2';
import type nodeHttps from 'node:https';
import nodeNet from 'node:net';
import type nodeTls from 'node:tls';
import { expectTypeOf } from 'expect-type';
import {
  type BehindLoadBalancer,
  type Capabilities,
  capabilities,
  type Connection,
  connectionOf,
  type ConnectionStatus,
  doctor,
  type DoctorReport,
  enable,
  type Endpoint,
  type HintResult,
  type MptcpError,
  type MptcpErrorCode,
  type MptcpInfo,
  type MptcpMode,
  type NetworkLinkEvent,
  type DarkPath,
  type ManagedPolicy,
  type PathAction,
  PathManager,
  type PathPolicy,
  policies,
  type ConnectionSubflowPriorityEvent,
  type Subflow,
  type TcpInfo,
  withMptcp,
} from 'mptcp';
import * as http from 'mptcp/http';
import * as http2 from 'mptcp/http2';
import * as https from 'mptcp/https';
import * as net from 'mptcp/net';
import * as tls from 'mptcp/tls';
import { connector } from 'mptcp/undici';
import { Agent as UndiciAgent } from 'undici';

const required = { mptcp: { mode: 'require' } } as const;

// Sockets and servers are Node's own.
expectTypeOf(net.connect({ port: 1, ...required })).toEqualTypeOf<nodeNet.Socket>();
expectTypeOf(net.connect(1, 'host', () => undefined)).toEqualTypeOf<nodeNet.Socket>();
expectTypeOf(net.createConnection('/path')).toEqualTypeOf<nodeNet.Socket>();
expectTypeOf(new net.Socket(required)).toEqualTypeOf<nodeNet.Socket>();
expectTypeOf<net.Socket>().toEqualTypeOf<nodeNet.Socket>();
expectTypeOf(net.createServer(required)).toEqualTypeOf<nodeNet.Server>();
expectTypeOf(new net.Server(required, () => undefined)).toEqualTypeOf<nodeNet.Server>();
net.createServer((socket) => expectTypeOf(socket).toEqualTypeOf<nodeNet.Socket>());
expectTypeOf(tls.connect({ port: 1, ...required })).toEqualTypeOf<nodeTls.TLSSocket>();
expectTypeOf(tls.createServer({ cert: '', ...required })).toEqualTypeOf<nodeTls.Server>();
expectTypeOf(http.createServer(required)).toEqualTypeOf<nodeHttp.Server>();
http.createServer((request, response) => {
  expectTypeOf(request).toEqualTypeOf<nodeHttp.IncomingMessage>();
  expectTypeOf(connectionOf(request)).toEqualTypeOf<Connection>();
  expectTypeOf(connectionOf(response)).toEqualTypeOf<Connection>();
});
expectTypeOf(http.request('http://host', required)).toEqualTypeOf<nodeHttp.ClientRequest>();
expectTypeOf(http.get({ host: 'host', ...required })).toEqualTypeOf<nodeHttp.ClientRequest>();
expectTypeOf(new http.Agent({ keepAlive: true, ...required })).toEqualTypeOf<nodeHttp.Agent>();
expectTypeOf(http.globalAgent).toEqualTypeOf<nodeHttp.Agent>();
expectTypeOf(https.createServer({ cert: '', ...required })).toEqualTypeOf<nodeHttps.Server>();
expectTypeOf(https.globalAgent).toEqualTypeOf<nodeHttps.Agent>();
expectTypeOf(http2.createServer(required)).toEqualTypeOf<nodeHttp2.Http2Server>();
expectTypeOf(http2.createSecureServer(required)).toEqualTypeOf<nodeHttp2.Http2SecureServer>();
expectTypeOf(http2.connect('http://host', required)).toEqualTypeOf<nodeHttp2.ClientHttp2Session>();
new UndiciAgent({ connect: connector(required) });

// Exports that the drop-in modules do not change have Node's types.
expectTypeOf(net.isIP).toEqualTypeOf<typeof nodeNet.isIP>();
expectTypeOf<net.AddressInfo>().toEqualTypeOf<nodeNet.AddressInfo>();
expectTypeOf<http.IncomingMessage>().toEqualTypeOf<nodeHttp.IncomingMessage>();
expectTypeOf<tls.TLSSocket>().toEqualTypeOf<nodeTls.TLSSocket>();

// `mptcp` is the only added option.
expectTypeOf<MptcpMode>().toEqualTypeOf<'prefer' | 'require' | 'off'>();
// @ts-expect-error -- there is no such mode
net.connect({ port: 1, mptcp: { mode: 'on' } });
// @ts-expect-error -- there is no such option
net.createServer({ mptcp: { modes: 'off' } });
http.get({ host: 'host', mptcp: true });
// @ts-expect-error -- it is an object or a boolean
http.get({ host: 'host', mptcp: 'prefer' });
// @ts-expect-error -- Node's own options are still checked
tls.connect({ port: '1', mptcp: {}, servername: 5 });

// Node's own modules are not augmented.
// @ts-expect-error -- node:net has no such option
nodeNet.connect({ port: 1, ...{}, mptcp: {} });

expectTypeOf(enable(new nodeNet.Server(), { mode: 'off' })).toEqualTypeOf<nodeNet.Server>();
declare const server: nodeHttp.Server;
expectTypeOf(enable(server)).toEqualTypeOf<nodeHttp.Server>();
declare const agent: nodeHttps.Agent;
expectTypeOf(enable(agent, { mptcp: {} })).toEqualTypeOf<nodeHttps.Agent>();
// @ts-expect-error -- neither a server, a socket nor an agent
enable({});

expectTypeOf(withMptcp({ mode: 'require' }, () => 7)).toEqualTypeOf<number>();
expectTypeOf(withMptcp({ mptcp: {} }, () => Promise.resolve(''))).toEqualTypeOf<Promise<string>>();
// @ts-expect-error -- no such option
withMptcp({ mod: 'require' }, () => 7);

declare const session: nodeHttp2.ClientHttp2Session;
declare const stream: nodeHttp2.ClientHttp2Stream;
const connection = connectionOf(session);
expectTypeOf(connection.status).toEqualTypeOf<ConnectionStatus>();
expectTypeOf<ConnectionStatus>().toEqualTypeOf<
  'pending' | 'mptcp' | 'fallback' | 'tcp' | 'unknown'
>();
expectTypeOf(connection.token).toEqualTypeOf<number | undefined>();
expectTypeOf(connection.serverSide).toEqualTypeOf<boolean>();
expectTypeOf(connection.info()).toEqualTypeOf<MptcpInfo>();
expectTypeOf(connection.subflows()).toEqualTypeOf<Subflow[]>();
expectTypeOf<Subflow['tcpInfo']>().toEqualTypeOf<TcpInfo>();
connection.on('subflowPriority', (event) =>
  expectTypeOf(event).toEqualTypeOf<ConnectionSubflowPriorityEvent>(),
);
connection.on('subflowClosed', ({ error, source }) => {
  expectTypeOf(error).toEqualTypeOf<string | undefined>();
  expectTypeOf(source).toEqualTypeOf<'kernel' | 'dump' | 'watch'>();
});
expectTypeOf(connection.createSubflow({ interface: 'eth1' })).resolves.toEqualTypeOf<Subflow>();
// @ts-expect-error -- there is no such intent
net.connect({ port: 1, mptcp: { hints: { intent: 'fast' } } });
declare const signal: AbortSignal;
expectTypeOf(connection.hint({ paths: { prefer: ['eth1'] } })).resolves.toEqualTypeOf<
  HintResult[]
>();
expectTypeOf(connection.setBackup(connection.subflows()[0]!, true, { signal })).resolves.toBeVoid();
// @ts-expect-error -- the package chooses the id
void connection.announce({ address: '::1', id: 1 });
// @ts-expect-error -- there is no such event
connection.on('subflows', () => undefined);
expectTypeOf(connectionOf(stream)).toEqualTypeOf<Connection>();
// @ts-expect-error -- no socket
connectionOf('socket');

expectTypeOf(doctor({ pid: 1, role: 'client' })).resolves.toEqualTypeOf<DoctorReport>();
expectTypeOf(capabilities()).resolves.toEqualTypeOf<Capabilities>();
expectTypeOf<Capabilities['mptcp']>().toEqualTypeOf<boolean>();
expectTypeOf<Capabilities['reason']>().toEqualTypeOf<MptcpError | undefined>();

expectTypeOf<MptcpError>().toExtend<Error>();
expectTypeOf<MptcpError['code']>().toEqualTypeOf<MptcpErrorCode>();
expectTypeOf(PathManager.open()).resolves.toEqualTypeOf<PathManager>();

declare const pathManager: PathManager;
expectTypeOf(
  pathManager.behindLoadBalancer({ address: '192.0.2.1', interface: 'eth1', port: 9000 }),
).resolves.toEqualTypeOf<BehindLoadBalancer>();
expectTypeOf<BehindLoadBalancer>().toExtend<AsyncDisposable>();
expectTypeOf<BehindLoadBalancer['endpoint']>().toEqualTypeOf<Endpoint | undefined>();
// @ts-expect-error -- the address is missing
void pathManager.behindLoadBalancer({ port: 9000 });

pathManager.interfaces
  .watch()
  .on('linkAdded', (event) => expectTypeOf(event).toEqualTypeOf<NetworkLinkEvent<'Added'>>());
void pathManager.endpoints.delete({ address: '192.0.2.1', port: 9000 });
void pathManager.endpoints.delete({ id: 0, address: '192.0.2.1' });
// @ts-expect-error -- only delete() takes a first subflow
void pathManager.endpoints.get({ id: 0, address: '192.0.2.1' });

// Policies and the events of a managed policy.
declare const managing: PathManager;
const managed = managing.manage(policies.all(policies.fullmesh(), policies.heal()), {
  match: ({ remote }) => remote.port === 443,
});
expectTypeOf(managed).toEqualTypeOf<ManagedPolicy>();
managed.on('action', (action) => expectTypeOf(action).toEqualTypeOf<PathAction>());
managed.on('dark', (path) => expectTypeOf(path).toEqualTypeOf<DarkPath>());
const own: PathPolicy = { name: 'own', decide: () => [{ type: 'wake', at: 1 }] };
managing.manage(own, { by: 'report' });
// @ts-expect-error -- there is no such means
managing.manage(own, { by: 'kernel' });
