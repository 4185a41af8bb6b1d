import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { BatchBuilder, finishBatch } from '../../src/kafka/codec/batch-builder';
import { RecordCursor } from '../../src/kafka/codec/batch-reader';
import type { FetchedPartition, JoinGroupRequest, ProducerIdentity } from '../../src/kafka/port';
import { parseAddress } from '../../src/kafka/transport/client-config';
import { string } from '../../src/serde';
import { systemPlatform } from '../../src/util/system';

export const NO_PRODUCER: ProducerIdentity = { producerId: -1n, producerEpoch: -1 };
/** Of the first record of a batch. Old ones would make the broker roll a segment at every marker. */
export const BASE_TIME = Date.now();

const text = string();

/** Asks again, at most for 20 s, until there is an answer. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 20_000; ;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error('the broker did not come to it');
    await systemPlatform.scheduler.sleep(20);
  }
}

/** One batch of records without keys, a millisecond apart. */
export function batchOf(values: readonly string[], producer = NO_PRODUCER, baseSequence = -1): Buffer {
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000 });
  values.forEach((value, i) => builder.append(BASE_TIME + i, null, null, text, value, null));
  const [sealed] = builder.take();
  if (sealed === undefined) throw new Error('an empty batch');
  const transactional = producer.producerId >= 0n;
  return finishBatch(sealed, { ...producer, baseSequence, transactional });
}

/** A dynamic member's first JoinGroup, unless overridden. */
export function joinRequest(groupId: string, overrides: Partial<JoinGroupRequest> = {}): JoinGroupRequest {
  return {
    groupId,
    memberId: '',
    groupInstanceId: null,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocols: [{ name: 'range', metadata: Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]) }],
    reason: null,
    ...overrides,
  };
}

/** The values that a reader of the partition sees. */
export function valuesOf(partition: FetchedPartition | undefined): string[] {
  const cursor = new RecordCursor();
  const abortedTransactions = partition?.abortedTransactions ?? null;
  cursor.load(partition?.records ?? Buffer.alloc(0), { fetchOffset: 0, abortedTransactions });
  const values: string[] = [];
  while (cursor.next()) values.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
  return values;
}

/** Passes bytes on to the broker; once told, the next bytes that come back are dropped with the connection. */
export async function startAnswerCuttingProxy(address: string) {
  let cutting = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect(parseAddress(address));
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => [client, broker].forEach((end) => end.destroy()));
    }
    client.on('data', (bytes) => broker.write(bytes));
    broker.on('data', (bytes) => (cutting ? client.destroy() : client.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutAtNextAnswer: () => (cutting = true),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
