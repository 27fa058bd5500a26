/**
 * For `--import`, `--require` and NODE_OPTIONS: MPTCP for a whole app, without a change of its
 * code. Configured by the environment variable NODE_MPTCP, see internal/register-options.ts.
 */
import { install } from './sockets/hooks';
import { setDefaults } from './sockets/offer';
import { parseRegisterOptions } from './drop-in/register-options';

const { connect, listen } = parseRegisterOptions(process.env.NODE_MPTCP);
setDefaults(connect, listen);
install();
