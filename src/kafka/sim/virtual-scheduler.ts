import type { Cancel, Scheduler } from '../../util/ports';

/** What a turn of the event loop takes: no loop goes round for ever in no time. */
const TURN_MS = 1 / 64;

/** The scheduler port on nothing but `exactly`, with the habits of Node's timers: whole milliseconds, and no less than one. */
export function schedulerOn(exactly: (ms: number, fn: () => void) => Cancel): Scheduler {
  const after = (ms: number, fn: () => void): Cancel => exactly(Math.max(1, Math.trunc(ms)), fn);
  return {
    after,
    sleep: (ms, signal) => sleep(after, ms, signal),
    yield: () => new Promise((resolve) => void exactly(TURN_MS, resolve)),
  };
}

function sleep(
  after: (ms: number, fn: () => void) => Cancel,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the port says: the signal's reason
      reject(signal?.reason);
    };
    const cancel = after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
