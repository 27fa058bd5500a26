import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../test/lab/namespace';

/** Compiles a C program of peers/; returns the path of the binary. */
export function compile(name: string): string {
  const program = join(__dirname, '..', 'out', 'bench', name);
  mkdirSync(join(program, '..'), { recursive: true });
  run('gcc', ['-O2', '-o', program, join(__dirname, 'peers', `${name}.c`)]);
  return program;
}
