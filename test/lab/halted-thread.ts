import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Process } from './process';

/** Does something while a thread of this process is halted: a reader that reads nothing. */
export async function whileHalted(thread: number, work: () => Promise<unknown>): Promise<void> {
  const program = join(__dirname, 'halt-thread.py');
  const env = { PATH: process.env.PATH };
  const child = spawn('python3', [program, String(thread)], { stdio: 'pipe', env });
  const halting = new Process(program, child);
  try {
    await halting.line(/^halted$/);
    await work();
  } finally {
    halting.stdin.end();
    await halting.success();
  }
}
