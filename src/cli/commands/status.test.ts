import { execute } from '../execute';
import { TestIo } from '../testing/test-io';
import { TestServices } from '../testing/test-services';

let io: TestIo;
let services: TestServices;
beforeEach(() => {
  io = new TestIo();
  services = new TestServices();
  const { cluster } = services;
  cluster.addTopic('clicks', { end: 100n }, { end: 50n });
  cluster.commit('clicks', 1, 50n);
  cluster.commit('clicks', 0, 90n);
  const partitions = [{ topic: 'clicks', partition: 0 }];
  cluster.members = [{ memberId: 'm-1', instanceId: 'host-0', partitions }];
});
const status = (...argv: string[]) =>
  io.platform.until(execute(['status', 'app', '--brokers', 'a:1', ...argv], io, services));

test('a table of instances and partitions', async () => {
  expect(await status()).toBe(0);
  expect(io.stdout.text).toBe(
    [
      'application app: Stable, lag 10',
      '',
      'INSTANCE  HOST      CLIENT  PARTITIONS',
      'host-0    10.0.0.1  client           1',
      '',
      'TOPIC   PARTITION  COMMITTED  END  LAG  INSTANCE',
      'clicks          0         90  100   10  host-0',
      'clicks          1         50   50    0  -',
      '',
    ].join('\n'),
  );
  expect(services.cluster.closed).toBe(1);
});

test('JSON with offsets as text', async () => {
  expect(await status('--json')).toBe(0);
  expect(JSON.parse(io.stdout.text)).toEqual({
    applicationId: 'app',
    state: 'Stable',
    lag: '10',
    instances: [{ instance: 'host-0', host: '10.0.0.1', clientId: 'client', partitions: 1 }],
    partitions: [
      { topic: 'clicks', partition: 0, owner: 'host-0', committed: '90', end: '100', lag: '10' },
      { topic: 'clicks', partition: 1, owner: null, committed: '50', end: '50', lag: '0' },
    ],
  });
});

test('an assigned partition without an offset, and a topic that is gone, have no lag', async () => {
  services.cluster.members = [
    { memberId: 'm-1', instanceId: null, partitions: [{ topic: 'new', partition: 0 }] },
  ];
  services.cluster.addTopic('new', { end: 3n });
  services.cluster.topics.delete('clicks');
  expect(await status('--json')).toBe(0);
  const { lag, partitions } = JSON.parse(io.stdout.text);
  expect(lag).toBeNull();
  expect(partitions).toMatchObject([
    { topic: 'clicks', committed: '90', end: null },
    { topic: 'clicks', committed: '50', end: null },
    { topic: 'new', committed: null, end: '3', owner: 'm-1' },
  ]);
});

test.each([true, false])('an application that Kafka does not know (group exists: %s)', async (exists) => {
  services.cluster.groupExists = exists;
  services.cluster.members = [];
  services.cluster.offsets.clear();
  expect(await status()).toBe(2);
  expect(io.stderr.text).toBe(
    'TM1014 application app is not known to this Kafka: check the application id and the brokers\n',
  );
  expect(services.cluster.closed).toBe(1);
});

test('asks again while the coordinator moves, and gives up on what it may not read', async () => {
  services.cluster.failures.set('offsetFetch', [16, 15]);
  expect(await status()).toBe(0);
  services.cluster.failures.set('offsetFetch', [30]);
  expect(await status()).toBe(1);
  expect(io.stderr.text).toMatch(/^TM2008 .*GROUP_AUTHORIZATION_FAILED/);
});

test('a coordinator that stays away is reported after 15 s', async () => {
  services.cluster.failures.set('offsetFetch', Array<number>(1_000).fill(15));
  expect(await status()).toBe(1);
  expect(io.platform.clock.monotonic()).toBeLessThanOrEqual(15_000);
  expect(io.stderr.text).toMatch(/COORDINATOR_NOT_AVAILABLE/);
});
