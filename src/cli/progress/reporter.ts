import type { JobStatus } from '../../runtime/run-api';
import type { Logger } from '../../util/logger';
import type { Cancel, Platform } from '../../util/ports';
import type { LiveLine } from './live-line';
import { ProgressMeter, formatProgress, type Progress } from './progress';

/** How often the live line is redrawn: often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 500;
/** How often progress is logged when nobody watches. */
const LOG_MS = 10_000;

/** Shows the status of a run at a steady pace, on a live line or as log lines. @returns a function that ends it. */
export function reportProgress(
  status: () => JobStatus,
  output: { readonly line: LiveLine | null; readonly logger: Logger },
  platform: Platform,
): Cancel {
  const meter = new ProgressMeter();
  const { line, logger } = output;
  const look = (): Progress => meter.measure(status(), platform.clock.monotonic());
  if (line !== null) return repeat(platform, REDRAW_MS, () => line.update(formatProgress(look())));
  look();
  return repeat(platform, LOG_MS, () => logger.info('progress', { ...look() }));
}

function repeat(platform: Platform, everyMs: number, action: () => void): Cancel {
  let cancel: Cancel;
  const next = (): void => {
    cancel = platform.scheduler.after(everyMs, () => {
      next();
      action();
    });
  };
  next();
  return () => cancel();
}
