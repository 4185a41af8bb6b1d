import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeFrame, type KafkaApi, type Throttled } from './api';
import { API_VERSIONS } from './api-versions';
import { DESCRIBE_CONFIGS } from './configs';
import { FETCH } from './fetch';
import { FIND_COORDINATOR } from './find-coordinator';
import { OFFSET_COMMIT, OFFSET_DELETE, OFFSET_FETCH } from './group-offsets';
import { DELETE_GROUPS, DESCRIBE_GROUPS } from './groups';
import { LIST_OFFSETS } from './list-offsets';
import { HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP } from './membership';
import { METADATA } from './metadata';
import { PRODUCE } from './produce';
import { CREATE_TOPICS, DELETE_RECORDS, DELETE_TOPICS } from './topics';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  INIT_PRODUCER_ID,
  TXN_OFFSET_COMMIT,
} from './transactions';

/** Bodies as Kafka 4.4.0's own message classes write them, in hexadecimal: by message, by version. */
const FIXTURES = JSON.parse(readFileSync(join(__dirname, 'fixtures', 'messages.json'), 'utf8')) as Record<
  string,
  Record<string, string>
>;

const HEADER = { correlationId: 0x01020304, clientId: 'client' };
const CLIENT_ID = `0006${Buffer.from('client').toString('hex')}`;

const txn = { transactionalId: 'txn', producerId: 7n, producerEpoch: 1 };
const group = { groupId: 'g', generationId: 4, memberId: 'm', groupInstanceId: 'i' };
const offsets = [
  { topic: 't', partition: 0, offset: 12n, leaderEpoch: 3, metadata: 'note' },
  { topic: 't', partition: 1, offset: 0n, leaderEpoch: -1, metadata: null },
];
const protocolMetadata = Buffer.from('m'.repeat(130));

function encodesAs<Q>(api: KafkaApi<Q, Throttled>, request: Q): void {
  const bodies = FIXTURES[`${api.name}Request`] ?? {};
  it(`${api.name} in every version`, () => {
    expect(Object.keys(bodies).map(Number)[0]).toBe(api.minVersion);
    expect(Object.keys(bodies).map(Number).at(-1)).toBe(api.maxVersion);
    for (const [version, body] of Object.entries(bodies)) {
      const frame = Buffer.concat(encodeFrame(api, { ...HEADER, version: Number(version) }, request));
      const tags = Number(version) >= api.flexibleFrom ? '00' : '';
      const header = `${hex16(api.key)}${hex16(Number(version))}01020304${CLIENT_ID}${tags}`;
      expect(frame.toString('hex', 4)).toBe(header + body);
      expect(frame.readInt32BE(0)).toBe(frame.length - 4);
    }
  });
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, '0');
}

describe('requests are encoded as Kafka does', () => {
  encodesAs(API_VERSIONS, null);
  encodesAs(METADATA, { topics: ['orders', 'ümlaut'] });
  encodesAs(FIND_COORDINATOR, { type: 'transaction', key: 'txn-1' });
  const newTopic = { topic: 't', partitions: 4, replicationFactor: -1 };
  const configs = { 'cleanup.policy': 'compact', 'retention.ms': '-1' };
  encodesAs(CREATE_TOPICS, { topics: [{ ...newTopic, configs }], timeoutMs: 30_000, validateOnly: true });
  encodesAs(DELETE_TOPICS, { topics: ['t', 'u'], timeoutMs: 7 });
  encodesAs(DELETE_RECORDS, {
    offsets: [
      { topic: 't', partition: 1, offset: -1n },
      { topic: 't', partition: 2, offset: 9_007_199_254_740_993n },
    ],
    timeoutMs: 7,
  });
  encodesAs(DESCRIBE_CONFIGS, {
    resources: [
      { type: 'topic', name: 't' },
      { type: 'broker', name: '1' },
    ],
  });
  encodesAs(LIST_OFFSETS, {
    isolation: 'read_committed',
    queries: [
      { topic: 't', partition: 1, timestamp: -2n },
      { topic: 'u', partition: 5, timestamp: -1n },
      { topic: 't', partition: 0, timestamp: 1_700_000_000_000n },
    ],
  });
  encodesAs(FETCH, {
    isolation: 'read_committed',
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 1_000_000,
    partitions: [{ topic: 't', partition: 1, fetchOffset: 77n, currentLeaderEpoch: 4, maxBytes: 65_536 }],
  });
  encodesAs(PRODUCE, {
    transactionalId: 'txn',
    acks: -1,
    timeoutMs: 30_000,
    partitions: [
      { topic: 't', partition: 0, batch: Buffer.from('x'.repeat(2100)) },
      { topic: 't', partition: 1, batch: Buffer.from('short') },
      { topic: 'u', partition: 7, batch: Buffer.from('yyyyy') },
    ],
  });
  const current = { producerId: 4_000_000_000n, producerEpoch: 3 };
  encodesAs(INIT_PRODUCER_ID, { transactionalId: 'txn', transactionTimeoutMs: 10_000, current });
  encodesAs(ADD_PARTITIONS_TO_TXN, {
    txn,
    partitions: [
      { topic: 't', partition: 0 },
      { topic: 't', partition: 2 },
      { topic: 'u', partition: 1 },
    ],
  });
  encodesAs(ADD_OFFSETS_TO_TXN, { txn, groupId: 'g' });
  encodesAs(END_TXN, { txn, committed: true });
  encodesAs(TXN_OFFSET_COMMIT, { txn, group, offsets });
  encodesAs(OFFSET_COMMIT, { group, offsets });
  const partitions = [
    { topic: 't', partition: 0 },
    { topic: 't', partition: 1 },
  ];
  encodesAs(OFFSET_FETCH, { groupId: 'g', partitions, requireStable: true });
  encodesAs(OFFSET_DELETE, { groupId: 'g', partitions: [partitions[0]!, { topic: 't', partition: 3 }] });
  encodesAs(JOIN_GROUP, {
    groupId: 'g',
    memberId: 'm',
    groupInstanceId: null,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocols: [{ name: 'tidemark', metadata: protocolMetadata }],
    reason: 'because',
  });
  const assignments = [{ memberId: 'm', assignment: protocolMetadata }];
  encodesAs(SYNC_GROUP, { ...group, protocolName: 'tidemark', assignments });
  encodesAs(HEARTBEAT, { ...group, groupInstanceId: null });
  encodesAs(LEAVE_GROUP, { groupId: 'g', members: [{ memberId: 'm', groupInstanceId: 'i' }] });
  encodesAs(DESCRIBE_GROUPS, { groupId: 'g' });
  encodesAs(DELETE_GROUPS, { groupId: 'g' });
});

describe('what requests can leave out', () => {
  const bodyOf = <Q>(api: KafkaApi<Q, Throttled>, version: number, request: Q): string => {
    const frame = Buffer.concat(encodeFrame(api, { version, correlationId: 0, clientId: '' }, request));
    return frame.toString('hex', version >= api.flexibleFrom ? 15 : 14);
  };

  it('asks for all topics with null and for none with an empty array', () => {
    expect(bodyOf(METADATA, 12, { topics: null })).toBe('00000000');
    expect(bodyOf(METADATA, 12, { topics: [] })).toBe('01000000');
  });

  it('asks for all offsets of a group with null', () => {
    expect(bodyOf(OFFSET_FETCH, 7, { groupId: 'g', partitions: null, requireStable: false })).toBe(
      '0267000000',
    );
  });

  it('initialises a producer without identity', () => {
    const request = { transactionalId: null, transactionTimeoutMs: 1, current: null };
    expect(bodyOf(INIT_PRODUCER_ID, 4, request)).toBe(`0000000001${'ff'.repeat(10)}00`);
  });
});

it('hands large batches over without copying them', () => {
  const batch = Buffer.alloc(100_000);
  const request = {
    transactionalId: null,
    acks: 1,
    timeoutMs: 1,
    partitions: [{ topic: 't', partition: 0, batch }],
  };
  const chunks = encodeFrame(PRODUCE, { ...HEADER, version: 9 }, request as never);
  expect(chunks).toContain(batch);
  expect(chunks.map((chunk) => chunk.length).filter((length) => length > 1_000)).toEqual([100_000]);
});
