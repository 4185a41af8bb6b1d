import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAnswer, type KafkaApi, type Throttled } from './api';
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
import { MalformedAnswerError } from './wire-reader';

/** Bodies as Kafka 4.4.0's own message classes write them, in hexadecimal: by message, by version. */
const FIXTURES = JSON.parse(readFileSync(join(__dirname, 'fixtures', 'messages.json'), 'utf8')) as Record<
  string,
  Record<string, string>
>;

const throttleMs = 1;
const TOPIC_ID = '4L6g3nShT-eMCtK--X86sw';
const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

function payloadOf(api: KafkaApi<never, Throttled>, version: number, body: string): Buffer {
  const tags = version >= api.flexibleFrom && api.plainAnswerHeader !== true ? '00' : '';
  return Buffer.from(tags + body, 'hex');
}

/** `expected` for every version, or what it makes of the version. */
function decodesTo<A extends Throttled>(
  api: KafkaApi<never, A>,
  expected: A | ((version: number) => A),
): void {
  const bodies = Object.entries(FIXTURES[`${api.name}Response`] ?? {}).map(
    ([version, body]) => [Number(version), body] as const,
  );

  it(`${api.name} in every version`, () => {
    const versions = bodies.map(([version]) => version);
    expect(Math.min(...versions)).toBe(api.minVersion);
    expect(Math.max(...versions)).toBe(api.maxVersion);
    for (const [version, body] of bodies) {
      const answer = decodeAnswer(api, version, payloadOf(api, version, body));
      expect(answer).toEqual(typeof expected === 'function' ? expected(version) : expected);
    }
  });

  it(`${api.name} refuses an answer that is cut short or goes on`, () => {
    for (const [version, body] of bodies) {
      const payload = payloadOf(api, version, body);
      for (let length = 0; length < payload.length; length++) {
        const cut = payload.subarray(0, length);
        expect(() => decodeAnswer(api, version, cut)).toThrow(MalformedAnswerError);
      }
      const longer = Buffer.concat([payload, Buffer.alloc(1)]);
      expect(() => decodeAnswer(api, version, longer)).toThrow('1 bytes too many');
    }
  });
}

describe('answers are decoded as Kafka encodes them', () => {
  decodesTo(API_VERSIONS, {
    throttleMs,
    errorCode: 0,
    apis: new Map([
      [0, { minVersion: 3, maxVersion: 13 }],
      [26, { minVersion: 0, maxVersion: 5 }],
    ]),
    finalizedFeatures: new Map([
      ['metadata.version', 27],
      ['transaction.version', 2],
    ]),
  });
  const partition = { partition: 3, errorCode: 9, leader: 2, leaderEpoch: 7, replicas: [1, 2], isr: [2] };
  decodesTo(METADATA, {
    throttleMs: 5,
    brokers: [
      { nodeId: 1, host: 'a.example', port: 9092 },
      { nodeId: 2, host: 'b', port: 65_535 },
    ],
    clusterId: 'cluster',
    controllerId: 2,
    topics: [
      { topic: 'orders', topicId: TOPIC_ID, errorCode: 0, isInternal: false, partitions: [partition] },
      { topic: 'gone', topicId: NO_TOPIC_ID, errorCode: 3, isInternal: true, partitions: [] },
    ],
  });
  const place = { nodeId: 3, host: 'c', port: 9094 };
  decodesTo(FIND_COORDINATOR, { throttleMs: 0, errorCode: 15, errorMessage: 'busy', ...place });
  decodesTo(CREATE_TOPICS, {
    throttleMs,
    results: [
      { topic: 't', errorCode: 36, errorMessage: 'exists' },
      { topic: 'u', errorCode: 0, errorMessage: null },
    ],
  });
  decodesTo(DELETE_TOPICS, (version) => ({
    throttleMs,
    results: [{ topic: 't', errorCode: 3, errorMessage: version === 4 ? null : 'unknown' }],
  }));
  decodesTo(DELETE_RECORDS, { throttleMs, results: [{ topic: 't', partition: 1, errorCode: 1 }] });
  const settings = new Map([
    ['a', '1'],
    ['secret', null],
  ]);
  decodesTo(DESCRIBE_CONFIGS, {
    throttleMs,
    results: [
      { type: 'topic', name: 't', errorCode: 0, configs: settings },
      { type: 'broker', name: '1', errorCode: 40, configs: new Map() },
    ],
  });
  decodesTo(LIST_OFFSETS, {
    throttleMs,
    answers: [
      { topic: 't', partition: 1, errorCode: 0, timestamp: -1n, offset: 12n, leaderEpoch: 3 },
      { topic: 't', partition: 0, errorCode: 78, timestamp: -1n, offset: -1n, leaderEpoch: -1 },
    ],
  });
  const unknown = { highWatermark: -1n, lastStableOffset: -1n, logStartOffset: -1n };
  decodesTo(FETCH, {
    throttleMs: 9,
    errorCode: 0,
    partitions: [
      {
        ...{ topic: 't', partition: 1, errorCode: 0 },
        ...{ highWatermark: 100n, lastStableOffset: 90n, logStartOffset: 2n },
        abortedTransactions: [
          { producerId: 5n, firstOffset: 80n },
          { producerId: 4n, firstOffset: 78n },
        ],
        records: Buffer.from('not really records'),
      },
      { topic: 't', partition: 2, errorCode: 1, ...unknown, abortedTransactions: null, records: null },
    ],
  });
  const times = { logAppendTime: -1n };
  decodesTo(PRODUCE, {
    throttleMs: 11,
    partitions: [
      {
        topic: 't',
        partition: 0,
        errorCode: 0,
        baseOffset: 1_234_567_890_123n,
        ...times,
        logStartOffset: 4n,
      },
      { topic: 't', partition: 1, errorCode: 87, baseOffset: -1n, ...times, logStartOffset: -1n },
    ],
  });
  decodesTo(INIT_PRODUCER_ID, { throttleMs, errorCode: 51, producerId: -1n, producerEpoch: -1 });
  decodesTo(ADD_PARTITIONS_TO_TXN, {
    throttleMs,
    partitions: [
      { topic: 't', partition: 0, errorCode: 51 },
      { topic: 't', partition: 2, errorCode: 0 },
    ],
  });
  decodesTo(ADD_OFFSETS_TO_TXN, { throttleMs, errorCode: 16 });
  const next = { producerId: 4_000_000_000n, producerEpoch: 9 };
  decodesTo(END_TXN, (version) => ({ throttleMs, errorCode: 47, ...(version >= 5 ? { next } : {}) }));
  decodesTo(TXN_OFFSET_COMMIT, { throttleMs, partitions: [{ topic: 't', partition: 0, errorCode: 22 }] });
  decodesTo(OFFSET_COMMIT, {
    throttleMs,
    partitions: [
      { topic: 't', partition: 0, errorCode: 0 },
      { topic: 't', partition: 1, errorCode: 12 },
    ],
  });
  decodesTo(OFFSET_FETCH, {
    throttleMs,
    errorCode: 0,
    offsets: [
      { topic: 't', partition: 0, offset: 12n, metadata: 'note', errorCode: 0 },
      { topic: 't', partition: 1, offset: -1n, metadata: null, errorCode: 88 },
    ],
  });
  decodesTo(OFFSET_DELETE, { throttleMs, errorCode: 86 });
  const metadata = Buffer.from('m'.repeat(130));
  decodesTo(JOIN_GROUP, {
    ...{ throttleMs, errorCode: 0, generationId: 4, protocolName: 'tidemark' },
    ...{ leader: 'm', skipAssignment: true, memberId: 'm' },
    members: [
      { memberId: 'm', groupInstanceId: 'i', metadata },
      { memberId: 'n', groupInstanceId: null, metadata: Buffer.alloc(0) },
    ],
  });
  decodesTo(SYNC_GROUP, { throttleMs, errorCode: 0, assignment: Buffer.from('yours') });
  decodesTo(HEARTBEAT, { throttleMs, errorCode: 27 });
  decodesTo(LEAVE_GROUP, { throttleMs, errorCode: 25 });
  const member = { memberId: 'm', groupInstanceId: null, clientId: 'c', clientHost: '/127.0.0.1' };
  decodesTo(DESCRIBE_GROUPS, {
    ...{ throttleMs, groupId: 'g', errorCode: 0, state: 'Stable' },
    members: [{ ...member, assignment: Buffer.from('yours') }],
  });
  decodesTo(DELETE_GROUPS, { throttleMs, errorCode: 68 });
});

it('takes an EndTxn answer without an identity for one that names none', () => {
  const nobody = payloadOf(END_TXN, 5, `000000010033${'ff'.repeat(10)}00`);
  expect(decodeAnswer(END_TXN, 5, nobody)).toEqual({ throttleMs, errorCode: 51 });
});

it('leaves fetched records where they are', () => {
  const payload = payloadOf(FETCH, 12, FIXTURES['FetchResponse']?.['12'] ?? '');
  const [first] = decodeAnswer(FETCH, 12, payload).partitions;
  expect(first?.records?.buffer).toBe(payload.buffer);
});
