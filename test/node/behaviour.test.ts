/**
 * Runs the programs of behaviour/, which use node:test, under each Node.js version with the built
 * package and the same addon: what is Node's behaviour must be ours.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { certificate } from '../kernel/peers/certificate';
import { nodes } from './nodes';

const FOLDER = join(__dirname, 'behaviour');
const LONGEST = 300_000; // ms

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.js'));

/** The part of a node:test report about the tests that failed. */
function failures(report: string): string {
  return report.split('failing tests:').pop() ?? report;
}

describe.each(nodes())('$name', ({ path }) => {
  test.each(files)(
    '%s',
    (file) => {
      const { status, signal, stdout, stderr } = spawnSync(
        path,
        [
          '--expose-gc',
          '--test-reporter=spec',
          '--test-reporter-destination=stdout',
          join(FOLDER, file),
        ],
        {
          encoding: 'utf8',
          timeout: LONGEST,
          env: { ...process.env, PEER_CERTIFICATE: JSON.stringify(certificate()) },
        },
      );
      if (status !== 0)
        throw new Error(`${signal ?? `code ${status}`}\n${failures(stdout)}${stderr}`);
    },
    LONGEST,
  );
});
