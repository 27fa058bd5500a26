/**
 * Turns MPTCP on for a whole app without a change of its code, by `--import`, `--require` or
 * NODE_OPTIONS. The environment variable NODE_MPTCP configures it: see drop-in/register-options.ts.
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
