import { join } from 'node:path';
import type { Marker } from '../../src/epoch/protocol/recovery-plan';
import { levelBackend } from '../../src/state/leveldb/level-backend';
import { noFaults } from '../../src/util/fault-points';
import type { DumpedRecord } from '../judge/judge';
import { isCommitRecord } from '../exactly-once/commit-log';
import { countingJob, PARTITIONS, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

let bench: RuleBench;
beforeAll(async () => {
  bench = await RuleBench.open('4.4.0');
});
afterAll(() => bench.close());

const APP = 'ages';
/** Long before the broker runs: event times are of no use as the age of a store. */
const EVENT_TIME = Date.UTC(2020, 0, 1);

/** The marker of each partition of the counting stage, as its store on disk has it. */
async function markers(): Promise<Marker[]> {
  const backend = levelBackend(join(bench.folder, APP, APP, 'one'), noFaults);
  return Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const { store, facts } = await backend.open({ stage: 'by-user', partition });
      await store?.close();
      if (facts.kind !== 'intact') throw new Error(`the store of partition ${partition} is ${facts.kind}`);
      return facts.marker;
    }),
  );
}

async function lastCommitRecords(): Promise<DumpedRecord[]> {
  const records = await bench.judge.dump(`${APP}-by-user-changelog`);
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    const mine = records.filter((record) => record.partition === partition && isCommitRecord(record));
    return mine.at(-1)!;
  });
}

describe('C2: the age of a store is measured by the clock of the broker', () => {
  it('the marker of an epoch names the time at which the broker appended its commit record', async () => {
    const topics = await bench.topicsOf(APP);
    const from = Date.now();
    await bench.judge.produceClicks({
      topic: topics.input,
      count: 2000,
      users: 50,
      startTimestamp: EVENT_TIME,
    });
    await bench.toEnd(countingJob(topics), APP);
    const [found, last] = [await markers(), await lastCommitRecords()];
    expect(found.map(({ brokerTime }) => brokerTime)).toEqual(last.map(({ timestamp }) => timestamp));
    expect(found.map(({ nextOffset }) => nextOffset)).toEqual(last.map(({ offset }) => offset + 1));
    for (const { brokerTime } of found) expect(brokerTime).toBeGreaterThanOrEqual(from);
  });
});
