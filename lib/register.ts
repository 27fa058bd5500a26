/**
 * For `--import`, `--require` and NODE_OPTIONS: MPTCP for a whole app, without a change of its
 * code. Configured by the environment variable NODE_MPTCP, see drop-in/register-options.ts.
 */
import { type Defaults, setUp } from './drop-in/setup';

const parse = (): Defaults =>
  (
    require('./drop-in/register-options') as typeof import('./drop-in/register-options')
  ).parseRegisterOptions(process.env.NODE_MPTCP);

if (process.env.NODE_MPTCP === undefined) {
  setUp(parse);
} else {
  const options = parse(); // a mistake in it ends the process at once
  setUp(() => options);
}
