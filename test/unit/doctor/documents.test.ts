/** Tests that docs/doctor.md has a section for each check, and that checks can rely on their needs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NAMESPACE_CHECKS, PROCESS_CHECKS } from '../../../lib/doctor/checks';

const CHECKS = [...NAMESPACE_CHECKS, ...PROCESS_CHECKS];
const page = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'doctor.md'), 'utf8');
const sections = page.split(/^### /m).slice(1);

test('each check has a section, and each section a check', () => {
  const ids = sections.map((section) => section.split('\n', 1)[0]);
  expect(ids).toEqual(CHECKS.map(({ id }) => id).sort());
});

test.each(sections.map((section) => [section.slice(0, 6), section]))(
  '%s says what it means and what the evidence is',
  (_id, section) => {
    expect(section).toMatch(/^MPD\d{3}\n\n\*\*.+\*\*/);
    expect(section).toMatch(/^- Evidence: /m);
  },
);

test('ids are unique, and a check stands behind those that it needs', () => {
  const before = new Set<string>();
  for (const { id, needs } of CHECKS) {
    expect(before).not.toContain(id);
    for (const need of needs) expect(before).toContain(need);
    before.add(id);
  }
});
