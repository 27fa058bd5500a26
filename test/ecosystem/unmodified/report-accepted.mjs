// Preloaded with mptcp/register: prints the status of each connection that an app accepts.
import { subscribe } from 'node:diagnostics_channel';
import { connectionOf } from 'mptcp';

subscribe('mptcp:accept', ({ socket }) =>
  console.log(JSON.stringify({ accepted: connectionOf(socket).status })),
);
