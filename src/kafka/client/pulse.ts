import type { Scheduler } from '../../util/ports';

/**
 * A wait that something else can cut short. A wake that comes while nobody waits is kept, so none is lost between a
 * check and the wait that follows it. One waiter at a time.
 */
export class Pulse {
  private readonly scheduler: Scheduler;
  private woken = false;
  private wakeWaiter: (() => void) | null = null;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  wake(): void {
    if (this.wakeWaiter === null) this.woken = true;
    else this.wakeWaiter();
  }

  /** Resolves at the next {@link wake}, or after `ms` milliseconds when given. */
  wait(ms?: number): Promise<void> {
    if (this.woken) {
      this.woken = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = ms === undefined ? null : this.scheduler.after(ms, () => this.wakeWaiter?.());
      this.wakeWaiter = () => {
        this.wakeWaiter = null;
        cancel?.();
        resolve();
      };
    });
  }
}
