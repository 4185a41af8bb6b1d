import type { Cancel, Scheduler } from '../../util/ports';

/** The scheduler port on nothing but `after`. */
export function schedulerOn(after: (ms: number, fn: () => void) => Cancel): Scheduler {
  return {
    after,
    sleep: (ms, signal) => sleep(after, ms, signal),
    yield: () => new Promise((resolve) => void after(0, resolve)),
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
