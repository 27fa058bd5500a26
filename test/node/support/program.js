'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const FOLDER = path.join(__dirname, '..', 'programs');

/**
 * Runs a program of programs/ to its end, with the same Node.js; `input` is passed in the environment.
 * Returns its exit code, the values that it printed as JSON lines, and its standard error.
 */
async function program(file, input, { args = [], env = {}, stdio, ...options } = {}) {
  const child = spawn(process.execPath, [...args, path.join(FOLDER, file)], {
    stdio: stdio ?? ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_MPTCP: '', NODE_OPTIONS: '', ...env, INPUT: JSON.stringify(input) },
    timeout: 60_000,
    ...options,
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (chunk) => (output[stream] += chunk));
  }
  const [code, signal] = await once(child, 'close');
  const printed = output.stdout
    .split('\n')
    .filter((line) => /^[[{"]/.test(line))
    .map((line) => JSON.parse(line));
  return { code, signal, printed, stderr: output.stderr };
}

/** The codes of the warnings that a program wrote to its standard error. */
const warningsIn = (stderr) => Array.from(stderr.matchAll(/\[(MPTCP_\w+)\]/g), ([, code]) => code);

/** For programs: their input, and the function that prints their results. */
const input = () => JSON.parse(process.env.INPUT ?? '{}');
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

module.exports = { input, print, program, warningsIn };
