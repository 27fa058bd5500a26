import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Process } from './process';

/** Runs `work` while a debugger halts a thread of this process, so that the thread reads nothing. */
export async function whileHalted(thread: number, work: () => Promise<unknown>): Promise<void> {
  const program = join(__dirname, 'halt-thread.py');
  const env = { PATH: process.env.PATH };
  const child = spawn('python3', [program, String(thread)], { stdio: 'pipe', env });
  const debugging = new Process(program, child);
  try {
    await debugging.line(/^halted$/);
    await work();
  } finally {
    debugging.stdin.end();
    await debugging.success();
  }
}
