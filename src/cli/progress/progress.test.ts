import { FakeRun } from '../testing/fake-run';
import { TestIo } from '../testing/test-io';
import { LiveLine } from './live-line';
import { formatProgress, ProgressMeter } from './progress';

test('the rate is that since the last look, 0 at first and after a count that fell', () => {
  const run = new FakeRun();
  const meter = new ProgressMeter();
  const look = (recordsIn: number, atMs: number) => {
    run.recordsIn = recordsIn;
    return meter.measure(run.status(), atMs).recordsPerSecond;
  };
  expect([
    look(100, 0),
    look(350, 500),
    look(350, 1000),
    look(10, 1500),
    look(20, 1500),
    look(30, 2000),
  ]).toEqual([0, 500, 0, 0, 0, 20]);
});

test('a lag that is unknown somewhere is unknown', () => {
  const run = new FakeRun();
  run.lag = null;
  const progress = new ProgressMeter().measure(run.status(), 0);
  expect(progress.lag).toBeNull();
  expect(formatProgress(progress)).toContain('lag ?');
});

test('tasks that are not running are told apart', () => {
  const progress = { ...new ProgressMeter().measure(new FakeRun().status(), 0), tasks: 4, runningTasks: 1 };
  expect(formatProgress({ ...progress, abortedEpochs: 0, commitMs: null })).toBe(
    'running · 0 records/s · 0 records · epoch 3 · lag 5 · 1 of 4 tasks',
  );
});

describe('live line', () => {
  test('stays below what is printed, and is cut to the width', () => {
    const { stdout } = new TestIo();
    stdout.columns = 6;
    const line = new LiveLine(stdout);
    line.print('first');
    line.update('0123456789');
    line.print('second');
    line.clear();
    line.clear();
    expect(stdout.text).toBe('first\n\r\x1b[2K01234\r\x1b[2Ksecond\n01234\r\x1b[2K');
  });
});
