import { TidemarkError } from '../errors';
import { VirtualPlatform } from '../kafka/client/testing/virtual-platform';
import { TroubleLog } from './trouble-log';

const away = new TidemarkError('TM2001', 'retry', 'no answer', { where: 'in-0' });

function setUp() {
  const platform = new VirtualPlatform();
  const lines: string[] = [];
  const log = (message: string): void => void lines.push(message);
  const troubles = new TroubleLog(platform.clock, { debug: log, info: log, warn: log, error: log });
  return { platform, lines, troubles };
}

test('says once that it waits and once that it is over', async () => {
  const { platform, lines, troubles } = setUp();
  for (let second = 0; second < 5; second++) {
    troubles.look([away]);
    await platform.advance(1000);
  }
  troubles.look([]);
  troubles.look([]);
  expect(lines).toEqual(['Kafka cannot be read: waiting, and trying again', 'Kafka can be read again']);
});

test('says so again when the reason turns out to be another one', async () => {
  const { platform, lines, troubles } = setUp();
  const refused = new TidemarkError('TM2010', 'retry', 'refused');
  for (const trouble of [away, away, away, refused, away, refused]) {
    troubles.look([trouble]);
    await platform.advance(1000);
  }
  expect(lines).toHaveLength(2);
});

test('says nothing of what passes within a second', async () => {
  const { platform, lines, troubles } = setUp();
  for (let second = 0; second < 5; second++) {
    troubles.look(second % 2 === 0 ? [away] : []);
    await platform.advance(1000);
  }
  expect(lines).toEqual([]);
});
