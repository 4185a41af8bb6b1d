import { TidemarkError } from '../errors';
import type { JobRun } from '../runtime/run-api';
import type { Platform } from '../util/ports';
import type { CliIo, StopSignal } from './io';
import { EXIT_INTERRUPTED } from './report-error';

/** Final epoch and clean leave fit into this; container platforms usually kill after 30 s, some after 10 s. */
export const STOP_DEADLINE_MS = 10_000;

export interface SignalWatch {
  /** Resolves at the first signal, with its name. Never rejects. */
  readonly stopAsked: Promise<StopSignal>;
  dispose(): void;
}

/** The first SIGINT or SIGTERM asks to stop; the second one ends the process at once, with code 130. */
export function watchSignals(io: CliIo): SignalWatch {
  let seen = false;
  let asked: (signal: StopSignal) => void = () => {};
  const stopAsked = new Promise<StopSignal>((resolve) => (asked = resolve));
  const dispose = io.onSignal((signal) => {
    if (seen) return io.exitNow(EXIT_INTERRUPTED);
    seen = true;
    asked(signal);
  });
  return { stopAsked, dispose };
}

/**
 * Stops a run and waits for its end, at most `deadlineMs`.
 * @throws TidemarkError TM5008 when it takes longer; whatever the run failed with
 */
export async function stopWithin(deadlineMs: number, run: JobRun, platform: Platform): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = platform.scheduler.after(deadlineMs, () => reject(stoppedLate(deadlineMs)));
  });
  try {
    await Promise.race([Promise.all([run.stop(), run.finished]), late]);
  } finally {
    cancel();
  }
}

function stoppedLate(deadlineMs: number): TidemarkError {
  return new TidemarkError('TM5008', 'stop', `the instance did not stop within ${deadlineMs / 1000} s`, {
    hint: 'nothing committed is lost; its open epoch is dropped and replayed at the next start',
  });
}
