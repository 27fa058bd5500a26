/**
 * For `--import`, `--require` and NODE_OPTIONS: MPTCP for a whole app, without a change of its
 * code. Configured by the environment variable NODE_MPTCP, see drop-in/register-options.ts.
 */
import { parseRegisterOptions } from './drop-in/register-options';
import { setUp } from './drop-in/setup';
import { setDefaults } from './sockets/settings';

const { connect, listen } = parseRegisterOptions(process.env.NODE_MPTCP);
setDefaults(connect, listen);
setUp();
