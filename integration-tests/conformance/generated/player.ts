import type { Bench } from '../../../src/kafka/testing/conformance/bench';
import type { TestRecord } from '../../../src/kafka/testing/conformance/records';
import type { TestProducer } from '../../../src/kafka/testing/conformance/producer';
import type { Sent, TestTopic } from '../../../src/kafka/testing/conformance/topic';
import type { ProducerIdentity, TransactionVersion } from '../../../src/kafka/port';
import { IDEMPOTENT, PRODUCERS, type GeneratedBatch, type Program, type Step } from './program';

const SEGMENT_MS = 60_000;
const CONFIGS = { 'segment.ms': String(SEGMENT_MS) };
const COMPACTED = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.0001',
  'min.compaction.lag.ms': '0',
  // Tombstones and markers may go as well, which takes a second pass of the cleaner.
  'delete.retention.ms': '100',
};

/** Plays one program on one partition. */
export class Player {
  readonly #bench: Bench;
  readonly #program: Program;
  readonly #producers: TestProducer[] = [];
  readonly #open = new Set<number>();
  readonly #idempotent: { readonly producer: ProducerIdentity; sequence: number }[] = [];
  /** Time of the records; a rolled segment moves it ahead. */
  #time: number;

  private constructor(bench: Bench, program: Program) {
    this.#bench = bench;
    this.#program = program;
    this.#time = bench.now() - 40 * SEGMENT_MS;
  }

  /** @returns the topic as the program leaves it */
  static async play(bench: Bench, program: Program, version: TransactionVersion): Promise<TestTopic> {
    return new Player(bench, program).#play(version);
  }

  async #play(version: TransactionVersion): Promise<TestTopic> {
    const topic = await this.#bench.topic(1, { ...CONFIGS, ...(this.#program.compacted ? COMPACTED : {}) });
    for (let i = 0; i < PRODUCERS; i++) this.#producers.push(await this.#bench.producer({ version }));
    const none = { transactionalId: null, transactionTimeoutMs: 60_000, current: null };
    for (let i = 0; i < IDEMPOTENT; i++) {
      const { producerId, producerEpoch } = await this.#bench.port.initProducerId(none);
      this.#idempotent.push({ producer: { producerId, producerEpoch }, sequence: 0 });
    }
    for (const step of this.#program.steps) await this.#step(topic, step);
    const left = this.#program.leaveOpen ? [] : [...this.#open];
    for (const producer of left) await this.#end(producer, producer % 2 === 0);
    await this.#roll(topic);
    return topic;
  }

  async #step(topic: TestTopic, step: Step): Promise<void> {
    switch (step.kind) {
      case 'plain':
        return this.#plain(topic, step.batch, step.idempotent);
      case 'tiny':
        for (const record of step.batch.records) {
          await this.#plain(topic, { ...step.batch, records: [record] }, null);
        }
        return;
      case 'send':
        return this.#send(topic, step.producer, step.batch);
      case 'end':
        return this.#end(step.producer, step.committed);
      case 'takeover':
        return this.#takeOver(step.producer);
      case 'delete-records':
        return this.#deleteRecords(topic, step.share);
      case 'roll':
        return this.#roll(topic);
    }
  }

  async #plain(topic: TestTopic, batch: GeneratedBatch, index: number | null): Promise<void> {
    const idempotent = index === null ? null : this.#idempotent[index]!;
    const as =
      idempotent === null ? {} : { producer: idempotent.producer, baseSequence: idempotent.sequence };
    const { compression } = batch;
    taken(await topic.send(recordsOf(batch, this.#time), { compression, time: this.#time, ...as }));
    if (idempotent !== null) idempotent.sequence += batch.records.length;
  }

  async #send(topic: TestTopic, index: number, batch: GeneratedBatch): Promise<void> {
    const producer = this.#producers[index]!;
    if (!this.#open.has(index) && producer.txn.transactionVersion !== 2) {
      taken({ error: await producer.add(topic.at()), offset: 0 });
    }
    const { compression } = batch;
    const options = { compression, time: this.#time };
    const sent = await this.#bench.eventually('a free partition', async () => {
      const answer = await producer.send(topic, recordsOf(batch, this.#time), options);
      return answer.error === 'CONCURRENT_TRANSACTIONS' ? undefined : answer;
    });
    taken(sent);
    this.#open.add(index);
  }

  async #end(index: number, committed: boolean): Promise<void> {
    if (!this.#open.delete(index)) return;
    taken({ error: await this.#producers[index]!.end(committed), offset: 0 });
  }

  async #takeOver(index: number): Promise<void> {
    const { transactionalId, txn } = this.#producers[index]!;
    this.#producers[index] = await this.#bench.producer({
      transactionalId,
      version: txn.transactionVersion ?? 1,
    });
    this.#open.delete(index);
  }

  async #deleteRecords(topic: TestTopic, share: number): Promise<void> {
    const { start, highWatermark } = await topic.ends();
    const offset = BigInt(start + Math.floor((highWatermark - start) * share));
    const [answer] = await this.#bench.port.deleteRecords([{ ...topic.at(), offset }], await topic.leader());
    // A log that is compacted only keeps its records.
    if (!this.#program.compacted && answer?.errorCode !== 0)
      throw new Error(`DeleteRecords: ${answer?.errorCode}`);
  }

  async #roll(topic: TestTopic): Promise<void> {
    this.#time += 2 * SEGMENT_MS;
    taken(await topic.send([{ key: 'roll', value: 'roll' }], { time: this.#time }));
  }
}

function recordsOf({ records }: GeneratedBatch, time: number): TestRecord[] {
  return records.map(({ key, value, headers, timeShift }) => ({
    key: bytes(key),
    value: bytes(value),
    headers: headers.map((header) => ({ key: header.key, value: bytes(header.value) })),
    timestamp: time + timeShift,
  }));
}

function bytes(array: Uint8Array | null): Buffer | null {
  return array === null ? null : Buffer.from(array);
}

function taken({ error }: Sent): void {
  if (error !== 'NONE') throw new Error(`the program was refused: ${error}`);
}
