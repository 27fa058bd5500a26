#!/usr/bin/env node
/** The program `mptcp`. */
import { endSignal } from './signals';

type Run = typeof import('./program').run;

const [, , ...args] = process.argv;
const end = endSignal(process);
const { run } = (
  args.some((each) => /^--iproute2(?:=|$)/.test(each))
    ? require('./iproute2/run')
    : require('./program')
) as { run: Run };

// Warnings of the API are one line each, as errors are.
process.removeAllListeners('warning');
process.on('warning', ({ message }) => void process.stderr.write(`mptcp: ${message}\n`));

void run(args, process, end.signal).then((exitCode) => {
  // A command that ends because of a signal says so, as the shell and its scripts expect.
  process.exitCode = end.exitCode ?? exitCode;
  end.stop();
});
