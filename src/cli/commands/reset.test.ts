import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../execute';
import { TestIo } from '../testing/test-io';
import { TestServices } from '../testing/test-services';

let io: TestIo;
let services: TestServices;
let stateDir: string;
beforeEach(() => {
  io = new TestIo();
  services = new TestServices();
  stateDir = mkdtempSync(join(tmpdir(), 'tidemark-reset-'));
  for (const folder of ['app/host-0', 'app/checkpoints', 'other/host-0']) {
    mkdirSync(join(stateDir, folder), { recursive: true });
  }
  const { cluster } = services;
  cluster.addTopic('clicks', { earliest: 5n, end: 100n, atTime: 42n }, { end: 50n });
  cluster.addTopic('app-by-user-changelog', {}, {});
  cluster.addTopic('app-by-user-shuffle', { end: 9n });
  cluster.addTopic('app-control', {});
  cluster.addTopic('user-counts', {});
  cluster.commit('clicks', 0, 90n);
  cluster.commit('app-by-user-shuffle', 0, 9n);
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const reset = (...argv: string[]) =>
  io.platform.until(
    execute(['reset', 'app', '--brokers', 'a:1', '--state-dir', stateDir, ...argv], io, services),
  );
const internal = 'app-by-user-changelog app-by-user-shuffle app-control';
const topicsLeft = () => [...services.cluster.topics.keys()];

test('forgets the group, then deletes internal topics, then the local stores', async () => {
  expect(await reset('--yes')).toBe(0);
  expect(services.cluster.changes).toEqual(['delete group', `delete ${internal}`]);
  expect(topicsLeft()).toEqual(['clicks', 'user-counts']);
  expect(existsSync(join(stateDir, 'app/host-0'))).toBe(false);
  expect(existsSync(join(stateDir, 'app/checkpoints'))).toBe(true);
  expect(existsSync(join(stateDir, 'other/host-0'))).toBe(true);
  expect(io.stdout.text).toBe(
    [
      'reset of application app:',
      '  delete topic app-by-user-changelog',
      '  delete topic app-by-user-shuffle',
      '  delete topic app-control',
      `  delete folder ${stateDir}/app/host-0`,
      '  forget the offsets of group app; sources start where the job says',
      'application app is reset',
      '',
    ].join('\n'),
  );
});

test('--to-earliest commits the first offset of every input partition, also of one without an offset', async () => {
  expect(await reset('--yes', '--to-earliest')).toBe(0);
  expect(services.cluster.changes).toEqual([
    'commit -1 clicks-0@5 clicks-1@0',
    'forget app-by-user-shuffle-0',
    `delete ${internal}`,
  ]);
});

test('--to-datetime commits the first offset at that time, or the end', async () => {
  expect(await reset('--yes', '--to-datetime', '2030-01-31T09:00:00+01:00')).toBe(0);
  expect(services.cluster.changes[0]).toBe('commit -1 clicks-0@42 clicks-1@50');
  expect(io.stdout.text).toContain('  start clicks-0 at offset 42\n');
});

test('a prefix of its own for internal topics', async () => {
  services.cluster.addTopic('int-s-changelog', {});
  expect(await reset('--yes', '--set', 'kafka.internal-topics.prefix=int')).toBe(0);
  expect(services.cluster.changes).toContain('delete int-s-changelog');
});

describe('asks', () => {
  test.each(['yes', ' YES '])('and goes on at %p', async (answer) => {
    Object.assign(io, { interactive: true, answer });
    expect(await reset()).toBe(0);
    expect(io.questions).toHaveLength(1);
  });

  test.each(['', 'no', 'y'])('and changes nothing at %p', async (answer) => {
    Object.assign(io, { interactive: true, answer });
    expect(await reset()).toBe(2);
    expect(io.stderr.text).toBe('TM1011 reset was not confirmed; nothing was changed\n');
    expect(services.cluster.changes).toEqual([]);
    expect(existsSync(join(stateDir, 'app/host-0'))).toBe(true);
  });

  test('and refuses when there is nobody', async () => {
    expect(await reset()).toBe(2);
    expect(io.stderr.text).toBe('TM1011 reset deletes state and nobody can be asked: pass --yes\n');
    expect(services.cluster.changes).toEqual([]);
  });
});

describe('refuses', () => {
  const member = { memberId: 'm', instanceId: 'host-0', partitions: [] };

  test('while an instance runs', async () => {
    services.cluster.members = [member];
    expect(await reset('--yes')).toBe(2);
    expect(io.stderr.text).toMatch(/^TM1013 application app is running \(host-0 on 10\.0\.0\.1\): stop all/);
    expect(services.cluster.changes).toEqual([]);
  });

  test('when an instance has started while it asked', async () => {
    io.interactive = true;
    io.ask = () => {
      services.cluster.members = [member];
      return Promise.resolve('yes');
    };
    expect(await reset()).toBe(2);
    expect(services.cluster.changes).toEqual([]);
  });

  test('to look up offsets of inputs that nobody knows', async () => {
    services.cluster.offsets.clear();
    expect(await reset('--yes', '--to-earliest')).toBe(2);
    expect(io.stderr.text).toMatch(/^TM1014 /);
  });
});

test('with nothing to do it says so', async () => {
  services = new TestServices();
  services.cluster.groupExists = false;
  rmSync(join(stateDir, 'app/host-0'), { recursive: true });
  expect(await reset()).toBe(0);
  expect(io.stdout.text).toBe('application app has nothing to reset\n');
});
