'use strict';

const { Buffer } = require('node:buffer');
const { Kafka, logLevel } = require('kafkajs');
const { BatchSender } = require('../../dist/epoch/transaction/batch-sender.js');
const { newProducerId } = require('../../dist/epoch/transaction/idempotent-sender.js');
const { MetadataCache } = require('../../dist/kafka/client/metadata-cache.js');
const { ensureTopics } = require('../../dist/kafka/client/topic-admin.js');
const { createKafkaPort } = require('../../dist/kafka/transport/real-kafka-port.js');
const { OutputBuffers } = require('../../dist/sink/output-buffers.js');
const { partitionForKey } = require('../../dist/util/murmur2.js');
const { systemPlatform } = require('../../dist/util/system.js');

const RECORDS = 200_000;
const PARTITIONS = 8;
const LIMIT_RATIO = 4;
/** Records of one of our epochs. */
const EPOCH = 20_000;
/** Records of one send of kafkajs, and sends under way: its fastest way is what counts. */
const KAFKAJS_WAYS = [
  { send: 500, underWay: 1 },
  { send: 2000, underWay: 1 },
  { send: 2000, underWay: 5 },
  { send: 10_000, underWay: 1 },
];

const records = Array.from({ length: RECORDS }, (_, i) => ({
  key: Buffer.from(`u${(i * 7919) % 100_000}`),
  value: Buffer.from(
    JSON.stringify({
      user_id: `u${(i * 7919) % 100_000}`,
      page: `p${i % 1000}`,
      amount: 1 + (i % 100),
      ts: i,
      agent: 'Mozilla/5.0 Gecko',
    }).padEnd(100),
  ),
}));

async function rateOf(run) {
  const start = process.hrtime.bigint();
  await run();
  return RECORDS / (Number(process.hrtime.bigint() - start) / 1e9);
}

/** A topic that was just made answers NOT_LEADER for a moment: what is measured begins behind it. */
async function untilWritable({ port, metadata }, topic) {
  const client = { port, metadata, platform: systemPlatform };
  for (;;) {
    const output = new OutputBuffers({ maxBatchBytes: () => 1_000_000, compression: 'none' });
    const { key, value } = records[0];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const builder = output.builder(topic, partition);
      builder.appendBytes(Date.now(), key, 0, key.length, value, 0, value.length, null);
    }
    const identity = await newProducerId(client, 30_000);
    const sender = new BatchSender({ ...client, transactionalId: null, fault: () => undefined }, identity);
    try {
      await sender.send(output.take());
      return;
    } catch (error) {
      if (error.code !== 'TM5002') throw error;
      await systemPlatform.scheduler.sleep(50);
    }
  }
}

/** The way of an epoch's output: batches by Kafka's partitioner, sent by an idempotent producer. */
async function ours({ port, metadata }, topic) {
  const client = { port, metadata, platform: systemPlatform };
  const identity = await newProducerId(client, 30_000);
  const sender = new BatchSender({ ...client, transactionalId: null, fault: () => undefined }, identity);
  const output = new OutputBuffers({ maxBatchBytes: () => 1_000_000, compression: 'none' });
  const builders = Array.from({ length: PARTITIONS }, (_, partition) => output.builder(topic, partition));
  return rateOf(async () => {
    for (let first = 0; first < RECORDS; first += EPOCH) {
      for (let i = first; i < first + EPOCH; i++) {
        const { key, value } = records[i];
        const builder = builders[partitionForKey(key, 0, key.length, PARTITIONS)];
        builder.appendBytes(Date.now(), key, 0, key.length, value, 0, value.length, null);
      }
      await sender.send(output.take());
    }
  });
}

async function kafkajs(broker, topic, { send, underWay }) {
  const client = new Kafka({ brokers: [broker], clientId: 'bench', logLevel: logLevel.NOTHING });
  const producer = client.producer({ idempotent: true, maxInFlightRequests: underWay });
  await producer.connect();
  try {
    return await rateOf(async () => {
      let next = 0;
      const work = async () => {
        while (next < RECORDS) {
          const messages = records.slice(next, (next += send));
          await producer.send({ topic, acks: -1, messages });
        }
      };
      await Promise.all(Array.from({ length: underWay }, work));
    });
  } finally {
    await producer.disconnect();
  }
}

/** Idempotent sends with all acknowledgements: kafkajs' producer beside ours, in turn. The first round warms up. */
exports.produce = async ({ broker, rounds }) => {
  const port = createKafkaPort({ brokers: [broker], clientId: 'bench' }, systemPlatform);
  const metadata = new MetadataCache(port, systemPlatform);
  const rows = [];
  try {
    for (let round = 0; round <= rounds; round++) {
      const topics = ['ours', ...KAFKAJS_WAYS.map((_, way) => `theirs-${way}`)].map(
        (name) => `${name}-${round}`,
      );
      await ensureTopics(
        port,
        systemPlatform,
        topics.map((topic) => ({ topic, partitions: PARTITIONS, replicationFactor: 1, configs: {} })),
      );
      for (const topic of topics) await untilWritable({ port, metadata }, topic);
      const own = await ours({ port, metadata }, topics[0]);
      const theirs = [];
      for (const [way, how] of KAFKAJS_WAYS.entries())
        theirs.push(await kafkajs(broker, topics[way + 1], how));
      if (round > 0) rows.push({ own, theirs, ratio: own / Math.max(...theirs) });
    }
  } finally {
    metadata.close();
    await port.close();
  }
  const ratios = rows.map(({ ratio }) => ratio).sort((a, b) => a - b);
  const median = ratios[Math.floor((ratios.length - 1) / 2)];
  const thousands = (rate) => (rate / 1000).toFixed(1);
  const ways = KAFKAJS_WAYS.map(({ send, underWay }) => `kafkajs, ${send} × ${underWay}`);
  return {
    ok: median >= LIMIT_RATIO,
    table: [
      `Thousand records/s, ${RECORDS} records of 100 bytes to ${PARTITIONS} partitions, idempotent, acks all.`,
      '"2000 × 5" are 5 sends of 2000 records under way:',
      '',
      `| round | Tidemark | ${ways.join(' | ')} | better than the best by |`,
      `|${' --- |'.repeat(ways.length + 3)}`,
      ...rows.map(
        ({ own, theirs, ratio }, i) =>
          `| ${i + 1} | ${thousands(own)} | ${theirs.map(thousands).join(' | ')} | ${ratio.toFixed(2)} |`,
      ),
      '',
      `Median ${median.toFixed(2)}, limit ${LIMIT_RATIO}: ${median >= LIMIT_RATIO ? 'held' : 'NOT HELD'}`,
    ],
  };
};
