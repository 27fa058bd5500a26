import type { NativeDump } from '../../types/native';
import { throwIfAborted, type Abortable } from '../kernel/commands';
import { commandError } from '../kernel/command-errors';

/** The batches of a dump as they come; `restart` says that those before are void. */
export async function* readDump<T>(
  dump: NativeDump<T>,
  restart: () => void,
  { signal }: Abortable = {},
): AsyncGenerator<T[], void, undefined> {
  throwIfAborted(signal, false);
  const close = (): void => dump.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    for (;;) {
      const next = await new Promise<{ batch: T[]; restarted: boolean } | undefined>(
        (resolve, reject) =>
          dump.next((error, result) => {
            if (error) reject(error);
            else resolve(result);
          }),
      );
      throwIfAborted(signal, false);
      if (!next) return;
      if (next.restarted) restart();
      yield next.batch;
    }
  } catch (error) {
    throwIfAborted(signal, false);
    throw commandError(error);
  } finally {
    signal?.removeEventListener('abort', close);
    dump.close();
  }
}
