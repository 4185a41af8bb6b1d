import {
  tpKey,
  type GroupIdentity,
  type KafkaPort,
  type ProducerIdentity,
  type TopicPartition,
  type TxnIdentity,
  type TxnOffset,
} from '../../port';
import type { Bench } from './bench';
import { nameOf, type ErrorName } from './errors';
import { batchOf, type BatchOptions, type TestRecord } from './records';
import { sentOf, type Sent, type TestTopic } from './topic';

const PRODUCE_TIMEOUT_MS = 10_000;
const TRANSACTION_TIMEOUT_MS = 60_000;
const CONCURRENT = ['CONCURRENT_TRANSACTIONS'];

export interface SendOptions extends Partial<Omit<BatchOptions, 'producer' | 'transactional'>> {
  readonly partition?: number;
}

/** A transactional producer, one step at a time. It takes a step whether or not that step is allowed. */
export class TestProducer {
  readonly #bench: Bench;
  readonly #port: KafkaPort;
  readonly #sequences: Map<string, number>;
  /** As the last answer gave it. */
  txn: TxnIdentity;

  constructor(
    bench: Bench,
    txn: TxnIdentity,
    port = bench.port,
    sequences: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#bench = bench;
    this.#port = port;
    this.#sequences = new Map(sequences);
    this.txn = txn;
  }

  get transactionalId(): string {
    return this.txn.transactionalId;
  }

  get identity(): ProducerIdentity {
    return { producerId: this.txn.producerId, producerEpoch: this.txn.producerEpoch };
  }

  /** What it is now, on another connection: its requests arrive when the case says so. */
  zombie(): TestProducer {
    return new TestProducer(this.#bench, this.txn, this.#bench.late, this.#sequences);
  }

  /** Of the next batch to this partition. */
  sequenceOf({ topic, partition }: TopicPartition): number {
    return this.#sequences.get(tpKey(topic, partition)) ?? 0;
  }

  /** InitProducerId with the own identity (KIP-360), once: what a commit in doubt is resolved by. */
  async reinitialiseOnce(): Promise<ErrorName> {
    const { transactionalId } = this;
    const answer = await this.#port.initProducerId({
      ...{ transactionalId, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS, current: this.identity },
    });
    if (answer.errorCode === 0) {
      this.txn = { ...this.txn, producerId: answer.producerId, producerEpoch: answer.producerEpoch };
      this.#sequences.clear();
    }
    return nameOf(answer);
  }

  /** {@link reinitialiseOnce}, repeated while the last transaction is being ended. */
  async reinitialise(): Promise<ErrorName> {
    let name = '';
    await this.#bench.eventually('InitProducerId', async () => {
      name = await this.reinitialiseOnce();
      return CONCURRENT.includes(name) ? undefined : true;
    });
    return name;
  }

  /** AddPartitionsToTxn, once: the first error. */
  async addOnce(...partitions: readonly TopicPartition[]): Promise<ErrorName> {
    const answers = await this.#port.addPartitionsToTxn(this.txn, partitions);
    return nameOf(answers.find(({ errorCode }) => errorCode !== 0) ?? answers[0]);
  }

  /** AddPartitionsToTxn, repeated while the last transaction's markers are being written. */
  async add(...partitions: readonly TopicPartition[]): Promise<ErrorName> {
    const answer = await this.#bench.settled(async () => {
      const answers = await this.#port.addPartitionsToTxn(this.txn, partitions);
      return answers.find(({ errorCode }) => errorCode !== 0) ?? answers[0]!;
    }, CONCURRENT);
    return nameOf(answer);
  }

  /** Produce of one batch; the sequence moves on when it was taken. */
  async send(
    topic: TestTopic,
    records: readonly (TestRecord | string)[],
    options: SendOptions = {},
  ): Promise<Sent> {
    const { partition = 0 } = options;
    const key = tpKey(topic.name, partition);
    const baseSequence = options.baseSequence ?? this.#sequences.get(key) ?? 0;
    const time = this.#bench.now();
    const batch = batchOf(records, {
      time,
      ...options,
      producer: this.txn,
      transactional: true,
      baseSequence,
    });
    const answer = await this.#port.produce(await topic.leader(partition), {
      ...{ transactionalId: this.transactionalId, acks: -1, timeoutMs: PRODUCE_TIMEOUT_MS },
      ...(this.txn.transactionVersion === 2 ? { transactionVersion: 2 } : {}),
      partitions: [{ ...topic.at(partition), batch }],
    });
    const sent = sentOf(answer.partitions[0]!);
    if (sent.error === 'NONE') this.#sequences.set(key, baseSequence + records.length);
    return sent;
  }

  async addGroup(groupId: string): Promise<ErrorName> {
    return nameOf(await this.#bench.settled(() => this.#port.addOffsetsToTxn(this.txn, groupId), CONCURRENT));
  }

  async addGroupOnce(groupId: string): Promise<ErrorName> {
    return nameOf(await this.#port.addOffsetsToTxn(this.txn, groupId));
  }

  /** TxnOffsetCommit of one offset. */
  async commitOffset(group: GroupIdentity, at: TopicPartition, offset: number): Promise<ErrorName> {
    const answer = await this.#bench.settled(async () => {
      const [only] = await this.#port.txnOffsetCommit(this.txn, group, [txnOffset(at, offset)]);
      return only!;
    }, CONCURRENT);
    return nameOf(answer);
  }

  /** EndTxn, once. In transaction version 2 a clean answer brings the identity of the next transaction. */
  async endOnce(committed: boolean): Promise<ErrorName> {
    const answer = await this.#port.endTxn(this.txn, committed);
    if (answer.next !== undefined) {
      this.txn = { ...this.txn, ...answer.next };
      this.#sequences.clear();
    }
    return nameOf(answer);
  }

  /** EndTxn, repeated while the coordinator loads or is busy with the last one. */
  async end(committed: boolean): Promise<ErrorName> {
    let name = '';
    await this.#bench.eventually('EndTxn', async () => {
      name = await this.endOnce(committed);
      return CONCURRENT.includes(name) ? undefined : true;
    });
    return name;
  }

  /** A whole transaction of version 1 with one batch. */
  async write(
    topic: TestTopic,
    records: readonly (TestRecord | string)[],
    committed: boolean,
  ): Promise<void> {
    const steps = [
      await this.add(topic.at()),
      (await this.send(topic, records)).error,
      await this.end(committed),
    ];
    if (steps.some((error) => error !== 'NONE')) throw new Error(`a transaction failed: ${steps.join()}`);
  }
}

export function txnOffset(at: TopicPartition, offset: number, metadata: string | null = 'note'): TxnOffset {
  return { ...at, offset: BigInt(offset), leaderEpoch: -1, metadata };
}
