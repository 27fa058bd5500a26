// Preloaded besides mptcp/register: what an unmodified app cannot tell of its connections.
import { subscribe } from 'node:diagnostics_channel';
import { connectionOf } from 'mptcp';

subscribe('mptcp:accept', ({ socket }) =>
  console.log(JSON.stringify({ accepted: connectionOf(socket).status })),
);
