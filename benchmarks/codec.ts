/**
 * Records encoded and decoded a second, in one thread: 100-byte JSON records, batches of at most 1,000,000 bytes;
 * one JSON line a case, the best of five rounds. To be compiled as the package is: a loader that rewrites imports
 * while running makes encoding three times slower.
 *
 *     npx tsc --ignoreConfig --outDir node_modules/.cache/codec --rootDir . --target ES2023 --module node20 \
 *       --skipLibCheck --types node benchmarks/codec.ts && node node_modules/.cache/codec/benchmarks/codec.js [records]
 */
import { BatchBuilder, finishBatch, type SealedBatch } from '../src/kafka/codec/batch-builder';
import { RecordCursor } from '../src/kafka/codec/batch-reader';
import { compress, decompress, type Compressor } from '../src/kafka/codec/compression';
import { crc32c } from '../src/util/crc32c';
import type { Serde } from '../src/serde/serde';
import type { ByteWriter } from '../src/util/byte-writer';
import { murmur2 } from '../src/util/murmur2';

const RECORDS = Number(process.argv[2] ?? 500_000);
const ROUNDS = 5;
const START = 1_760_000_000_000;
const NO_PRODUCER = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false };

interface Click {
  readonly user_id: string;
  readonly page: string;
  readonly amount: number;
  readonly ts: number;
  readonly agent: string;
}

const json: Serde<Click> = {
  name: 'json',
  write: (value: Click, out: ByteWriter) => out.utf8(JSON.stringify(value)),
  read: (bytes, start, end) => JSON.parse(bytes.toString('utf8', start, end)) as Click,
};
const text: Serde<string> = {
  name: 'text',
  write: (value: string, out: ByteWriter) => out.utf8(value),
  read: (bytes, start, end) => bytes.toString('utf8', start, end),
};

const clicks: readonly Click[] = Array.from({ length: 1000 }, (_, i) => ({
  user_id: `u${(i * 7919) % 100_000}`,
  page: `p${(i * 31) % 1000}`,
  amount: 1 + (i % 100),
  ts: START + i,
  agent: 'Mozilla/5.0 Gecko/2010',
}));
const encoded = clicks.map((click) => ({
  key: Buffer.from(click.user_id),
  value: Buffer.from(JSON.stringify(click)),
}));

function encodeJson(): SealedBatch[] {
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000 });
  for (let i = 0; i < RECORDS; i++) {
    const click = clicks[i % 1000]!;
    builder.append(START + i, text, click.user_id, json, click, null);
  }
  return builder.take();
}

function encodeBytes(): SealedBatch[] {
  const builder = new BatchBuilder({ maxBatchBytes: 1_000_000 });
  for (let i = 0; i < RECORDS; i++) {
    const { key, value } = encoded[i % 1000]!;
    builder.appendBytes(START + i, key, 0, key.length, value, 0, value.length, null);
  }
  return builder.take();
}

function finish(batches: readonly SealedBatch[]): Buffer[] {
  return batches.map((batch) => finishBatch(batch, NO_PRODUCER));
}

function decode(
  fetches: readonly Buffer[],
  verifyCrc: boolean,
  visit: (cursor: RecordCursor) => void,
): number {
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

/** Seconds of the fastest of {@link ROUNDS} runs. */
function best(run: () => void): number {
  let seconds = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    run();
    seconds = Math.min(seconds, Number(process.hrtime.bigint() - start) / 1e9);
  }
  return seconds;
}

function report(name: string, unit: string, amount: number, run: () => void): void {
  console.log(JSON.stringify({ name, [unit]: Math.round(amount / best(run)) }));
}

const fetches = finish(encodeJson());
const bytes = fetches.reduce((total, fetch) => total + fetch.length, 0);
console.log(
  JSON.stringify({
    records: RECORDS,
    valueBytes: encoded[500]!.value.length,
    bytesPerRecord: bytes / RECORDS,
  }),
);

report('JSON.stringify alone', 'records/s', RECORDS, () => {
  for (let i = 0; i < RECORDS; i++) JSON.stringify(clicks[i % 1000]);
});
report('encode through serdes, with CRC', 'records/s', RECORDS, () => finish(encodeJson()));
report('encode bytes, with CRC', 'records/s', RECORDS, () => finish(encodeBytes()));
report('encode bytes, no CRC', 'records/s', RECORDS, () => encodeBytes());
let sum = 0;
const touch = (cursor: RecordCursor): void => {
  sum += cursor.offset + cursor.timestamp + cursor.valueEnd - cursor.valueStart;
};
report('decode, CRC checked', 'records/s', RECORDS, () => decode(fetches, true, touch));
report('decode, CRC not checked', 'records/s', RECORDS, () => decode(fetches, false, touch));
report('decode and JSON.parse', 'records/s', RECORDS, () =>
  decode(fetches, true, (cursor) => {
    sum += json.read(cursor.buffer, cursor.valueStart, cursor.valueEnd).amount;
  }),
);
report('crc32c', 'bytes/s', bytes, () => fetches.forEach((fetch) => crc32c(fetch)));
report('murmur2 of the key', 'keys/s', RECORDS, () => {
  for (let i = 0; i < RECORDS; i++) sum += murmur2(encoded[i % 1000]!.key);
});
for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] satisfies Compressor[]) {
  const plain = fetches[0]!;
  const packed = compress(codec, plain);
  report(
    `compress ${codec} (to ${((100 * packed.length) / plain.length).toFixed(0)}%)`,
    'bytes/s',
    plain.length,
    () => compress(codec, plain),
  );
  report(`decompress ${codec}`, 'bytes/s', plain.length, () => decompress(codec, packed, 'benchmark'));
}
if (Number.isNaN(sum)) throw new Error('a record was decoded wrongly');
