import { Pulse } from './pulse';
import { VirtualPlatform } from './testing/virtual-platform';

describe('Pulse', () => {
  it('keeps a wake that comes before the wait', async () => {
    const platform = new VirtualPlatform();
    const pulse = new Pulse(platform.scheduler);
    pulse.wake();
    await platform.until(pulse.wait(), 0);
    const second = pulse.wait(50);
    await platform.until(second, 50);
    expect(platform.clock.monotonic()).toBe(50);
  });

  it('ends a wait early and cancels its timer', async () => {
    const platform = new VirtualPlatform();
    const pulse = new Pulse(platform.scheduler);
    const waiting = pulse.wait(1000);
    pulse.wake();
    await waiting;
    expect(platform.pendingTimers()).toBe(0);
  });
});
