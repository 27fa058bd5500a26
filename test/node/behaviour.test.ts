/**
 * "As in Node", under every Node there is: each file of behaviour/ is a program of node:test, run
 * with the built package and one and the same addon.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { certificate } from '../kernel/peers/certificate';
import { nodes } from './nodes';

const FOLDER = join(__dirname, 'behaviour');
const LONGEST = 300_000; // ms

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.js'));

/** What node:test reported of the tests that were not passed. */
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
