import { setImmediate as turn } from 'node:timers/promises';
import { MetadataCache } from '../../../kafka/client/metadata-cache';
import { FakeKafkaPort } from '../../../kafka/client/testing/fake-port';
import { VirtualPlatform } from '../../../kafka/client/testing/virtual-platform';
import { BatchBuilder } from '../../../kafka/codec/batch-builder';
import {
  KafkaRequestError,
  type GroupIdentity,
  type ProduceRequest,
  type TransactionVersion,
  type TopicPartition,
  type TxnIdentity,
  type TxnOffset,
} from '../../../kafka/port';
import type { FaultPoint } from '../../../util/fault-points';
import type { EpochPayload, PartitionPayload } from '../epoch-payload';
import { TransactionalProducer } from '../transactional-producer';

export const TXN_APIS = [
  'initProducerId',
  'addPartitionsToTxn',
  'produce',
  'addOffsetsToTxn',
  'txnOffsetCommit',
  'endTxn',
] as const;
export type TxnApi = (typeof TXN_APIS)[number];

/** An error code; `lost`: no answer, perhaps applied; `unsent`: no answer, certainly not applied. */
export type Outcome = number | 'lost' | 'unsent';

/** One request or answer, in the order in which they happened. */
export interface WireEvent {
  readonly api: TxnApi;
  readonly what: 'sent' | 'answered';
  readonly args: readonly unknown[];
  readonly outcome: Outcome;
}

const STEP_MS = 50;
const MAX_STEPS = 3000;

type Answer = (code: number, args: readonly unknown[]) => unknown;

/**
 * A producer on a coordinator and two leaders that answer cleanly unless told otherwise. Every answer takes a turn of
 * the event loop, so that what does not wait for it overtakes it; that of `slow` APIs takes several.
 */
export function setUpProducer(options: { slow?: readonly TxnApi[]; version?: TransactionVersion } = {}) {
  let version = options.version ?? 1;
  const platform = new VirtualPlatform();
  const kafka = new FakeKafkaPort(platform);
  const out = kafka.topic('out', 2);
  out[1]!.leader = 2;
  kafka.topic('changelog');
  const events: WireEvent[] = [];
  const planned = new Map<TxnApi, Outcome[]>();
  const faults: FaultPoint[] = [];
  let producerEpoch = -1;

  const answers: Record<TxnApi, Answer> = {
    initProducerId: (errorCode) => ({ errorCode, producerId: 7n, producerEpoch: ++producerEpoch }),
    addPartitionsToTxn: (code, [, partitions]) => perPartition(partitions as TopicPartition[], code),
    produce: (code, [, request]) => ({
      throttleMs: 0,
      partitions: perPartition((request as ProduceRequest).partitions, code).map((answer) => ({
        ...answer,
        baseOffset: 100n,
        logAppendTime: 5000n,
        logStartOffset: 0n,
      })),
    }),
    addOffsetsToTxn: (errorCode) => ({ errorCode }),
    txnOffsetCommit: (code, [, , offsets]) => perPartition(offsets as TxnOffset[], code),
    endTxn: (errorCode, [txn]) => {
      if ((txn as TxnIdentity).transactionVersion !== 2) return { errorCode };
      return { errorCode, next: { producerId: 7n, producerEpoch: ++producerEpoch } };
    },
  };

  const call = async (api: TxnApi, args: readonly unknown[]): Promise<unknown> => {
    const outcome = planned.get(api)?.shift() ?? 0;
    events.push({ api, what: 'sent', args, outcome });
    for (let i = options.slow?.includes(api) === true ? 5 : 1; i > 0; i--) await turn();
    events.push({ api, what: 'answered', args, outcome });
    if (typeof outcome === 'string') throw new KafkaRequestError(api, outcome, outcome === 'unsent');
    return answers[api](outcome, args);
  };
  const port = new Proxy(kafka.port, {
    get: (target, name: TxnApi | 'transactionVersion') => {
      if (name === 'transactionVersion') return () => Promise.resolve(version);
      if (TXN_APIS.includes(name)) return (...args: unknown[]) => call(name, args);
      return Reflect.get(target, name) as unknown;
    },
  });
  const producer = new TransactionalProducer({
    port,
    metadata: new MetadataCache(port, platform),
    platform,
    transactionalId: 'app-i-0',
    transactionTimeoutMs: 60_000,
    fault: (point) => faults.push(point),
  });
  /** Lets answers come, and time pass where nothing else is left to wait for. */
  const drive = async <T>(promise: Promise<T>): Promise<T> => {
    let pending = true;
    const watched = promise.finally(() => (pending = false));
    watched.catch(() => undefined);
    for (let step = 0; pending && step < MAX_STEPS; step++) {
      for (let i = 0; pending && i < 10; i++) await platform.settle();
      if (pending) await platform.advance(STEP_MS);
    }
    if (pending) throw new Error(`still pending after ${MAX_STEPS * STEP_MS} virtual ms`);
    return watched;
  };
  return {
    platform,
    drive,
    port,
    producer,
    events,
    faults,
    leaders: { out },
    /** The cluster is upgraded, or downgraded. */
    offer: (now: TransactionVersion) => (version = now),
    /** The next answers of an API. */
    plan: (api: TxnApi, ...outcomes: Outcome[]) => planned.set(api, outcomes),
    /** Requests sent so far, by API. */
    sent: (api?: TxnApi) => events.filter((e) => e.what === 'sent' && (api === undefined || e.api === api)),
  };
}

function perPartition(partitions: readonly TopicPartition[], errorCode: number) {
  return partitions.map(({ topic, partition }) => ({ topic, partition, errorCode }));
}

export const GROUP: GroupIdentity = {
  groupId: 'app',
  generationId: 3,
  memberId: 'm-1',
  groupInstanceId: 'i-0',
};

/** A partition's batches: one record each. */
export function batches(topic: string, partition: number, count = 1): PartitionPayload {
  const sealed = Array.from({ length: count }, () => {
    const builder = new BatchBuilder({ maxBatchBytes: 1000 });
    const value = Buffer.from('x');
    builder.appendBytes(1, null, -1, -1, value, 0, value.length, null);
    return builder.take()[0]!;
  });
  return { topic, partition, batches: sealed };
}

export function epochPayload(over: Partial<EpochPayload> = {}): EpochPayload {
  return {
    partitions: [batches('out', 0), batches('out', 1), batches('changelog', 0)],
    changelogs: new Set(['changelog-0']),
    offsets: [{ topic: 'in', partition: 0, offset: 42n, leaderEpoch: -1, metadata: null }],
    group: GROUP,
    ...over,
  };
}
