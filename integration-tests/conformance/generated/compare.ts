import { forEachBatch } from '../../../src/kafka/codec/batch-header';
import type { RecordHeader } from '../../../src/serde/record-header';
import type { Isolation } from '../../../src/kafka/port';
import type { Bench } from '../../../src/kafka/testing/conformance/bench';
import { readDrained } from '../../../src/kafka/testing/conformance/reading';
import type { ReadRecord } from '../../../src/kafka/testing/conformance/records';
import type { TestTopic } from '../../../src/kafka/testing/conformance/topic';
import type { DumpedRecord, Judge } from '../../judge/judge';
import type { Program } from './program';

const ISOLATIONS = ['read_committed', 'read_uncommitted'] as const;
const ROUNDS = 10;
/** Some rounds of the cleaner, so that most is cleaned before it is read. */
const CLEANING_MS = 1_500;

export interface PlayedTopic {
  readonly topic: TestTopic;
  readonly program: Program;
}

/** How nasty the topics were, all together. */
export interface Nastiness {
  records: number;
  aborted: number;
  emptyBatches: number;
  controlBatches: number;
  holes: number;
  movedStarts: number;
  openEnds: number;
  readonly codecs: Set<string>;
}

/**
 * Reads every topic with our reader (whole, in small pieces, and from the middle) and with the Java client, and
 * expects the same records. The cleaner works meanwhile: a topic that changed between two of our readings is read again.
 */
export async function compareWithJava(
  bench: Bench,
  judge: Judge,
  played: readonly PlayedTopic[],
): Promise<Nastiness> {
  const nastiness = noNastiness();
  await bench.sleep(CLEANING_MS);
  for (const isolation of ISOLATIONS) {
    let left = played;
    for (let round = 0; left.length > 0; round++) {
      if (round === ROUNDS)
        throw new Error(`${left.map(({ topic }) => topic.name).join()} never came to rest`);
      left = await compareOnce(bench, judge, left, isolation);
    }
  }
  for (const { topic } of played) await inspect(topic, nastiness);
  return nastiness;
}

/** @returns the topics that changed meanwhile */
async function compareOnce(
  bench: Bench,
  judge: Judge,
  played: readonly PlayedTopic[],
  isolation: Isolation,
): Promise<readonly PlayedTopic[]> {
  const ours = new Map<string, readonly ReadRecord[]>();
  for (const { topic } of played) ours.set(topic.name, await topic.read(isolation));
  const theirs = await judge.dumpAll([...ours.keys()], isolation);
  const changed: PlayedTopic[] = [];
  for (const one of played) {
    const { topic, program } = one;
    const expected = (theirs.get(topic.name) ?? []).map(asRead);
    const { start } = await topic.ends();
    const middle = start + Math.floor(((expected.at(-1)?.offset ?? start) - start) * program.startShare);
    const pieces = await readDrained(bench, topic, {
      from: start,
      isolation,
      maxPartitionBytes: program.fetchBytes,
    });
    const part = await readDrained(bench, topic, { from: middle, isolation });
    const again = await topic.read(isolation);
    const before = ours.get(topic.name) ?? [];
    if (before.length !== again.length || !again.every((record, i) => sameRecord(record, before[i]))) {
      changed.push(one);
      continue;
    }
    expectSame(again, expected, topic, `${isolation}, whole`);
    expectSame(pieces.records, expected, topic, `${isolation}, by ${program.fetchBytes} bytes`);
    const behind = expected.filter(({ offset }) => offset >= middle);
    expectSame(part.records, behind, topic, `${isolation}, from ${middle}`);
  }
  return changed;
}

/** @throws Error at the first record that differs */
function expectSame(
  ours: readonly ReadRecord[],
  theirs: readonly ReadRecord[],
  topic: TestTopic,
  how: string,
): void {
  const length = Math.max(ours.length, theirs.length);
  for (let i = 0; i < length; i++) {
    if (sameRecord(ours[i], theirs[i])) continue;
    const told = [`${topic.name}, ${how}: record ${i} of ${ours.length}/${theirs.length} differs`];
    throw new Error([...told, `we read   ${shown(ours[i])}`, `Java read ${shown(theirs[i])}`].join('\n'));
  }
}

function sameRecord(one: ReadRecord | undefined, other: ReadRecord | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.offset === other.offset &&
    one.timestamp === other.timestamp &&
    sameBytes(one.key, other.key) &&
    sameBytes(one.value, other.value) &&
    one.headers.length === other.headers.length &&
    one.headers.every((header, i) => sameHeader(header, other.headers[i]))
  );
}

function sameHeader(one: RecordHeader, other: RecordHeader | undefined): boolean {
  return one.key === other?.key && sameBytes(one.value, other.value);
}

function sameBytes(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}

function shown(record: ReadRecord | undefined): string {
  return record === undefined
    ? 'nothing'
    : JSON.stringify(record, (_, value: unknown) => value).slice(0, 500);
}

function asRead({ offset, timestamp, key, value, headers }: DumpedRecord): ReadRecord {
  return { offset, timestamp, key, value, headers };
}

export function noNastiness(): Nastiness {
  const none = {
    records: 0,
    aborted: 0,
    emptyBatches: 0,
    controlBatches: 0,
    holes: 0,
    movedStarts: 0,
    openEnds: 0,
  };
  return { ...none, codecs: new Set() };
}

export function add(sum: Nastiness, more: Nastiness): void {
  sum.records += more.records;
  sum.aborted += more.aborted;
  sum.emptyBatches += more.emptyBatches;
  sum.controlBatches += more.controlBatches;
  sum.holes += more.holes;
  sum.movedStarts += more.movedStarts;
  sum.openEnds += more.openEnds;
  for (const codec of more.codecs) sum.codecs.add(codec);
}

/** Counts what is in the log, batch by batch. */
async function inspect(topic: TestTopic, seen: Nastiness): Promise<void> {
  const { start, lastStable, highWatermark } = await topic.ends();
  if (start > 0) seen.movedStarts++;
  if (lastStable < highWatermark) seen.openEnds++;
  for (let from = start; from < highWatermark;) {
    const answer = await topic.fetch({ from, isolation: 'read_uncommitted' });
    let next = from;
    forEachBatch(answer.records ?? Buffer.alloc(0), (batch) => {
      if (batch.baseOffset > next) seen.holes++;
      if (batch.control) seen.controlBatches++;
      else if (batch.recordCount === 0) seen.emptyBatches++;
      if (batch.recordCount > 0 && batch.recordCount <= batch.lastOffset - batch.baseOffset) seen.holes++;
      seen.records += batch.control ? 0 : batch.recordCount;
      seen.codecs.add(batch.compression);
      next = batch.lastOffset + 1;
    });
    if (next === from) break;
    from = next;
  }
  seen.aborted += (await topic.fetch({ from: start, maxBytes: 64 << 20 })).abortedTransactions?.length ?? 0;
}
