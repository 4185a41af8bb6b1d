'use strict';

/**
 * Records encoded and decoded a second, in one thread, beside the encoder and decoder of kafkajs in the same run:
 * 100-byte JSON records, batches of at most 1,000,000 bytes; one JSON line a case, the best of five rounds. Exits with 1
 * when a limit is not met. Needs compiled sources (`npm run build`): a loader that rewrites imports while running makes
 * encoding three times slower.
 *
 *     node benchmarks/codec.js [records]
 */
const { Buffer } = require('node:buffer');
const { BatchBuilder, finishBatch } = require('../dist/kafka/codec/batch-builder.js');
const { RecordCursor } = require('../dist/kafka/codec/batch-reader.js');
const { compress, decompress } = require('../dist/kafka/codec/compression.js');
const { crc32c } = require('../dist/util/crc32c.js');
const { murmur2 } = require('../dist/util/murmur2.js');
const KafkajsDecoder = require('kafkajs/src/protocol/decoder');
const kafkajsFetched = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages');
const kafkajsProduce = require('kafkajs/src/protocol/requests/produce/v3/request');

const RECORDS = Number(process.argv[2] ?? 500_000);
const ROUNDS = 5;
const START = 1_760_000_000_000;
const NO_PRODUCER = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false };
/** Records a second that must be reached, by the name of the case. */
const LIMITS = { 'encode bytes, with CRC': 500_000, 'decode, CRC checked': 1_000_000 };
/** A send of kafkajs' producer; larger ones are slower. */
const KAFKAJS_BATCH = 1000;

const json = {
  name: 'json',
  write: (value, out) => out.utf8(JSON.stringify(value)),
  read: (bytes, start, end) => JSON.parse(bytes.toString('utf8', start, end)),
};
const text = {
  name: 'text',
  write: (value, out) => out.utf8(value),
  read: (bytes, start, end) => bytes.toString('utf8', start, end),
};

const clicks = Array.from({ length: 1000 }, (_, i) => ({
  user_id: `u${(i * 7919) % 100_000}`,
  page: `p${(i * 31) % 1000}`,
  amount: 1 + (i % 100),
  ts: START + i,
  agent: 'Mozilla/5.0 Gecko/2010',
}));
let sum = 0;
const encoded = clicks.map((click) => ({
  key: Buffer.from(click.user_id),
  value: Buffer.from(JSON.stringify(click)),
}));

function encodeJson() {
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000 });
  for (let i = 0; i < RECORDS; i++) {
    const click = clicks[i % 1000];
    builder.append(START + i, text, click.user_id, json, click, null);
  }
  return builder.take();
}

function encodeBytes() {
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000 });
  for (let i = 0; i < RECORDS; i++) {
    const { key, value } = encoded[i % 1000];
    builder.appendBytes(START + i, key, 0, key.length, value, 0, value.length, null);
  }
  return builder.take();
}

function finish(batches) {
  return batches.map((batch) => finishBatch(batch, NO_PRODUCER));
}

function decode(fetches, verifyCrc, visit) {
  const cursor = new RecordCursor();
  let count = 0;
  for (const records of fetches) {
    cursor.load(records, { fetchOffset: 0, abortedTransactions: [], verifyCrc });
    while (cursor.next()) {
      visit(cursor);
      count++;
    }
  }
  return count;
}

async function kafkajsEncode() {
  const buffers = [];
  for (let i = 0; i < RECORDS; i += KAFKAJS_BATCH) {
    const messages = Array.from({ length: Math.min(KAFKAJS_BATCH, RECORDS - i) }, (_, k) => {
      const { key, value } = encoded[(i + k) % 1000];
      return { key, value, timestamp: START + i + k };
    });
    const topicData = [{ topic: 't', partitions: [{ partition: 0, firstSequence: 0, messages }] }];
    const request = kafkajsProduce({ acks: -1, timeout: 1000, topicData });
    buffers.push((await request.encode()).buffer);
  }
  return buffers;
}

async function kafkajsDecode(fetches) {
  let count = 0;
  for (const records of fetches) {
    const size = Buffer.alloc(4);
    size.writeInt32BE(records.length);
    const decoded = await kafkajsFetched(new KafkajsDecoder(Buffer.concat([size, records])));
    for (const { offset, timestamp, value } of decoded)
      sum += Number(offset) + Number(timestamp) + value.length;
    count += decoded.length;
  }
  if (count !== RECORDS) throw new Error(`kafkajs decoded ${count} of ${RECORDS} records`);
}

/** Seconds of the fastest of {@link ROUNDS} runs. */
async function best(run) {
  let seconds = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    await run();
    seconds = Math.min(seconds, Number(process.hrtime.bigint() - start) / 1e9);
  }
  return seconds;
}

async function report(name, unit, amount, run) {
  const figure = Math.round(amount / (await best(run)));
  const limit = LIMITS[name];
  const verdict = limit === undefined ? {} : { limit, ok: figure >= limit };
  if (verdict.ok === false) process.exitCode = 1;
  console.log(JSON.stringify({ name, [unit]: figure, ...verdict }));
}

async function main() {
  const fetches = finish(encodeJson());
  const bytes = fetches.reduce((total, fetch) => total + fetch.length, 0);
  console.log(
    JSON.stringify({
      records: RECORDS,
      valueBytes: encoded[500].value.length,
      bytesPerRecord: bytes / RECORDS,
    }),
  );

  await report('JSON.stringify alone', 'records/s', RECORDS, () => {
    for (let i = 0; i < RECORDS; i++) JSON.stringify(clicks[i % 1000]);
  });
  await report('encode through serdes, with CRC', 'records/s', RECORDS, () => finish(encodeJson()));
  await report('encode bytes, with CRC', 'records/s', RECORDS, () => finish(encodeBytes()));
  await report('encode bytes, no CRC', 'records/s', RECORDS, () => encodeBytes());
  const touch = (cursor) => {
    sum += cursor.offset + cursor.timestamp + cursor.valueEnd - cursor.valueStart;
  };
  await report('decode, CRC checked', 'records/s', RECORDS, () => decode(fetches, true, touch));
  await report('decode, CRC not checked', 'records/s', RECORDS, () => decode(fetches, false, touch));
  await report('decode and JSON.parse', 'records/s', RECORDS, () =>
    decode(fetches, true, (cursor) => {
      sum += json.read(cursor.buffer, cursor.valueStart, cursor.valueEnd).amount;
    }),
  );
  await report('kafkajs: encode bytes, with CRC', 'records/s', RECORDS, kafkajsEncode);
  await report('kafkajs: decode', 'records/s', RECORDS, () => kafkajsDecode(fetches));
  await report('crc32c', 'bytes/s', bytes, () => fetches.forEach((fetch) => crc32c(fetch)));
  await report('murmur2 of the key', 'keys/s', RECORDS, () => {
    for (let i = 0; i < RECORDS; i++) sum += murmur2(encoded[i % 1000].key);
  });
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
    const plain = fetches[0];
    const packed = compress(codec, plain);
    await report(
      `compress ${codec} (to ${((100 * packed.length) / plain.length).toFixed(0)}%)`,
      'bytes/s',
      plain.length,
      () => compress(codec, plain),
    );
    await report(`decompress ${codec}`, 'bytes/s', plain.length, () =>
      decompress(codec, packed, 'benchmark'),
    );
  }
  if (Number.isNaN(sum)) throw new Error('a record was decoded wrongly');
}

void main();
