import { BatchBuilder, finishBatch } from '../../codec/batch-builder';
import { RecordCursor } from '../../codec/batch-reader';
import type {
  FetchedPartition,
  GroupIdentity,
  Isolation,
  JoinGroupRequest,
  KafkaPort,
  ProducerIdentity,
  TransactionVersion,
  TxnIdentity,
} from '../../port';
import { createSimKafka, type SimKafka, type SimKafkaOptions } from '../sim-kafka';

export const TOPIC = 'topic';
const open: SimKafka[] = [];

/** Ends the clusters of a test: `afterEach(closeAll)`. */
export async function closeAll(): Promise<void> {
  for (const kafka of open.splice(0)) await kafka.close();
}

/** A cluster with one topic and one client. */
export async function simBench(
  options: SimKafkaOptions & {
    readonly partitions?: number;
    readonly configs?: Readonly<Record<string, string>>;
  } = {},
) {
  const kafka = createSimKafka(options);
  open.push(kafka);
  const port = kafka.connect({ clientId: 'test' });
  const { partitions = 1, configs = {} } = options;
  await port.createTopics([{ topic: TOPIC, partitions, replicationFactor: -1, configs }]);
  await kafka.platform.advance(20);
  return { kafka, port, platform: kafka.platform };
}

export type Entry = readonly [key: string | null, value: string | null];

function batchOf(
  kafka: SimKafka,
  entries: readonly Entry[],
  producer: ProducerIdentity = { producerId: -1n, producerEpoch: -1 },
  baseSequence = -1,
  transactional = producer.producerId >= 0n,
): Buffer {
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000 });
  for (const [key, value] of entries) {
    const [k, v] = [key === null ? null : Buffer.from(key), value === null ? null : Buffer.from(value)];
    builder.appendBytes(kafka.platform.clock.now(), k, 0, k?.length ?? 0, v, 0, v?.length ?? 0, null);
  }
  return finishBatch(builder.take()[0]!, { ...producer, baseSequence, transactional });
}

/** Without a transaction, unless the producer is given. */
export async function write(
  kafka: SimKafka,
  port: KafkaPort,
  entries: readonly Entry[],
  { partition = 0, txn, producer = txn, sequence = -1, acks = -1 as const }: WriteOptions = {},
) {
  const { partitions } = await port.produce(kafka.leaderOf(TOPIC, partition), {
    transactionalId: txn?.transactionalId ?? null,
    ...(txn?.transactionVersion === undefined ? {} : { transactionVersion: txn.transactionVersion }),
    ...{ acks, timeoutMs: 5_000 },
    partitions: [
      { topic: TOPIC, partition, batch: batchOf(kafka, entries, producer, sequence, txn !== undefined) },
    ],
  });
  return partitions[0]!;
}
interface WriteOptions {
  readonly partition?: number;
  readonly txn?: TxnIdentity;
  /** Of an idempotent producer. */
  readonly producer?: ProducerIdentity;
  readonly sequence?: number;
  readonly acks?: -1 | 1;
}

export async function fetchAll(
  kafka: SimKafka,
  port: KafkaPort,
  isolation: Isolation,
  { partition = 0, maxWaitMs = 0, fetchOffset = 0n } = {},
): Promise<FetchedPartition> {
  const asked = { topic: TOPIC, partition, fetchOffset, currentLeaderEpoch: -1, maxBytes: 1_000_000 };
  const { partitions } = await port.fetch(kafka.leaderOf(TOPIC, partition), {
    ...{ isolation, maxWaitMs, minBytes: 1, maxBytes: 1_000_000 },
    partitions: [asked],
  });
  return partitions[0]!;
}

/** `offset:key=value` of the records that a reader sees, over as many fetches as it takes. */
export async function readAll(
  kafka: SimKafka,
  port: KafkaPort,
  isolation: Isolation,
  partition = 0,
  from = 0,
): Promise<string[]> {
  const cursor = new RecordCursor();
  const found: string[] = [];
  for (let position = from; ; position = cursor.nextOffset) {
    const fetchOffset = BigInt(position);
    const { records, abortedTransactions } = await fetchAll(kafka, port, isolation, {
      partition,
      fetchOffset,
    });
    if (records === null) return found;
    cursor.load(records, { fetchOffset: position, abortedTransactions });
    while (cursor.next()) found.push(textOf(cursor));
  }
}

function textOf({ offset, buffer, keyStart, keyEnd, valueStart, valueEnd }: RecordCursor): string {
  const text = (start: number, end: number): string =>
    start < 0 ? 'null' : buffer.toString('utf8', start, end);
  return `${offset}:${text(keyStart, keyEnd)}=${text(valueStart, valueEnd)}`;
}

export function readCommitted(kafka: SimKafka, port: KafkaPort, partition = 0): Promise<string[]> {
  return readAll(kafka, port, 'read_committed', partition);
}

/** Asks until the answer is not CONCURRENT_TRANSACTIONS or one that says that the coordinator is busy. */
export async function settled<A extends { readonly errorCode: number }>(
  kafka: SimKafka,
  ask: () => Promise<A>,
): Promise<A> {
  for (;;) {
    const answer = await ask();
    if (![14, 15, 16, 51].includes(answer.errorCode)) return answer;
    await kafka.platform.advance(5);
  }
}

export async function begin(
  kafka: SimKafka,
  port: KafkaPort,
  transactionalId: string,
  { current = null, timeoutMs = 60_000, version }: BeginOptions = {},
): Promise<TxnIdentity & { readonly errorCode: number }> {
  const request = { transactionalId, transactionTimeoutMs: timeoutMs, current };
  const answer = await settled(kafka, () => port.initProducerId(request));
  return { transactionalId, ...answer, ...(version === undefined ? {} : { transactionVersion: version }) };
}
interface BeginOptions {
  readonly current?: ProducerIdentity | null;
  readonly timeoutMs?: number;
  readonly version?: TransactionVersion;
}

export async function add(
  kafka: SimKafka,
  port: KafkaPort,
  txn: TxnIdentity,
  partition = 0,
): Promise<number> {
  const ask = async () => (await port.addPartitionsToTxn(txn, [{ topic: TOPIC, partition }]))[0]!;
  return (await settled(kafka, ask)).errorCode;
}

export function joinRequest(groupId: string, overrides: Partial<JoinGroupRequest> = {}): JoinGroupRequest {
  return {
    ...{ groupId, memberId: '', groupInstanceId: null, reason: null },
    ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
    protocols: [{ name: 'p', metadata: Buffer.from('m') }],
    ...overrides,
  };
}

/** A dynamic member that is alone in its group, stable. */
export async function joinAlone(port: KafkaPort, groupId: string): Promise<GroupIdentity> {
  const { memberId } = await port.joinGroup(joinRequest(groupId));
  const joined = await port.joinGroup(joinRequest(groupId, { memberId }));
  const identity = { groupId, memberId, generationId: joined.generationId, groupInstanceId: null };
  const assignments = [{ memberId, assignment: Buffer.from('all') }];
  await port.syncGroup({ ...identity, protocolName: 'p', assignments });
  return identity;
}

export async function commitOffset(
  kafka: SimKafka,
  port: KafkaPort,
  txn: TxnIdentity,
  group: GroupIdentity,
  offset: bigint,
): Promise<number> {
  const asked = [{ topic: TOPIC, partition: 0, offset, leaderEpoch: -1, metadata: null }];
  const ask = async () => (await port.txnOffsetCommit(txn, group, asked))[0]!;
  return (await settled(kafka, ask)).errorCode;
}
