import { systemPlatform } from '../../util/system';
import { HEARTBEAT } from '../protocol/membership';
import { Connector } from './connector';
import { Lane } from './lane';
import { errorCodeAnswer, FakeBroker } from './testing/fake-broker';

const CONNECTIONS = 100;
const WATCHED_MS = 2_000;
/**
 * Measured 0.1 % of a core, with the fake broker in the same process; 10 % and more with the timers that kafkajs arms
 * itself, on a machine so busy that many of them came late.
 */
const LIMIT_PERCENT = 3;
const GROUP = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null };

jest.setTimeout(60_000);

it(`${CONNECTIONS} idle connections cost next to nothing`, async () => {
  const broker = await new FakeBroker().listen();
  broker.handlers.set(HEARTBEAT.key, ({ reply }) => reply(errorCodeAnswer(0)));
  const connector = new Connector({ brokers: [], clientId: 'idle' }, systemPlatform);
  const address = { host: '127.0.0.1', port: broker.port };
  const connect = (onFailure: () => void) => connector.connect(address, onFailure);
  const lanes = Array.from(
    { length: CONNECTIONS },
    () => new Lane({ clientId: 'idle', platform: systemPlatform, name: 'the broker', connect }),
  );
  try {
    // What kafkajs arms, it arms after an answer.
    await Promise.all(lanes.map((lane) => lane.send(HEARTBEAT, GROUP, 30_000)));
    expect(broker.sockets.size).toBe(CONNECTIONS);
    const before = process.cpuUsage();
    const start = systemPlatform.clock.monotonic();
    await systemPlatform.scheduler.sleep(WATCHED_MS);
    const { user, system } = process.cpuUsage(before);
    const percent = (user + system) / 10 / (systemPlatform.clock.monotonic() - start);
    expect(percent).toBeLessThan(LIMIT_PERCENT);
  } finally {
    await connector.close(new Error('end of test'));
    await broker.stop();
  }
});
