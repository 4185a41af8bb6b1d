import { SimPlatform } from './sim-platform';

describe('time', () => {
  it('advances by itself while somebody waits, timer by timer, in the order of time and then of call', async () => {
    const platform = new SimPlatform();
    const log: string[] = [];
    for (const [ms, name] of [
      [20, 'c'],
      [10, 'a'],
      [10, 'b'],
    ] as const)
      platform.scheduler.after(ms, () => log.push(`${name}@${platform.clock.monotonic()}`));
    await platform.scheduler.sleep(30);
    expect(log).toEqual(['a@10', 'b@10', 'c@20']);
  });

  it('stands still in manual mode, and runs to the end of a promise', async () => {
    const platform = new SimPlatform({ mode: 'manual' });
    const slept = platform.scheduler.sleep(1_000).then(() => 'awake');
    await platform.settle();
    expect(platform.clock.monotonic()).toBe(0);
    expect(await platform.until(slept)).toBe('awake');
    expect(platform.clock.monotonic()).toBe(1_000);
    await platform.advance(500);
    expect(platform.clock.monotonic()).toBe(1_500);
  });

  it('lets every promise go on before the next timer', async () => {
    const platform = new SimPlatform();
    const log: string[] = [];
    platform.scheduler.after(10, () => {
      void (async () => {
        for (let i = 0; i < 50; i++) await Promise.resolve();
        log.push('promises');
      })();
    });
    platform.scheduler.after(11, () => log.push('timer'));
    await platform.scheduler.sleep(20);
    expect(log).toEqual(['promises', 'timer']);
  });

  it.each(['auto', 'manual'] as const)('says when nothing more happens (%s)', async (mode) => {
    const platform = new SimPlatform({ mode });
    await expect(platform.until(new Promise(() => undefined))).rejects.toThrow('nothing more happens');
    const late = platform.scheduler.sleep(5_000);
    await expect(platform.until(late, 1_000)).rejects.toThrow('still pending after 1000');
    platform.stop();
  });

  it('has the habits of Node’s timers: whole milliseconds, no less than one', async () => {
    const { scheduler, clock } = new SimPlatform();
    await scheduler.sleep(0);
    expect(clock.monotonic()).toBe(1);
    await scheduler.sleep(2.9);
    expect(clock.monotonic()).toBe(3);
  });

  it('ends a sleep by its signal', async () => {
    const { scheduler } = new SimPlatform();
    const abort = new AbortController();
    scheduler.after(5, () => abort.abort(new Error('enough')));
    await expect(scheduler.sleep(10, abort.signal)).rejects.toThrow('enough');
    await expect(scheduler.sleep(10, abort.signal)).rejects.toThrow('enough');
  });
});

describe('processes', () => {
  it('stand still while they are frozen, and then do what was due', async () => {
    const platform = new SimPlatform();
    const process = platform.process('p');
    const log: number[] = [];
    for (const ms of [10, 20, 300]) process.scheduler.after(ms, () => log.push(platform.clock.monotonic()));
    process.freeze();
    await platform.advance(100);
    expect(log).toEqual([]);
    process.thaw();
    await platform.advance(400);
    expect(log).toEqual([100, 100, 300]);
  });

  it('never go on once they are killed', async () => {
    const platform = new SimPlatform();
    const process = platform.process('p');
    let ran = false;
    void process.scheduler.sleep(10).then(() => (ran = true));
    process.kill();
    await platform.advance(100);
    expect([ran, process.alive]).toEqual([false, false]);
  });

  it('have a wall clock that can be set, and a monotonic one that cannot', () => {
    const platform = new SimPlatform();
    const process = platform.process('p');
    process.stepClock(-3_600_000);
    expect(platform.clock.now() - process.clock.now()).toBe(3_600_000);
    expect(process.clock.monotonic()).toBe(platform.clock.monotonic());
  });
});

it('chance is the seed’s', () => {
  const draw = (seed: number) => {
    const { random } = new SimPlatform({ seed });
    return [...Array.from({ length: 5 }, () => random.next()), random.id()];
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});
