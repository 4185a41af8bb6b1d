'use strict';

const { Buffer } = require('node:buffer');
const { TransactionalProducer } = require('../../dist/epoch/transaction/transactional-producer.js');
const { MetadataCache } = require('../../dist/kafka/client/metadata-cache.js');
const { ensureTopics } = require('../../dist/kafka/client/topic-admin.js');
const { createKafkaPort } = require('../../dist/kafka/transport/real-kafka-port.js');
const { OutputBuffers } = require('../../dist/sink/output-buffers.js');
const { systemPlatform } = require('../../dist/util/system.js');

const PARTITIONS = 8;
const COMMITS = 100;
const RECORDS = 2000;
/** Between the commits: back to back, the next one meets the markers of the last. */
const PAUSES_MS = [0, 50];

/** Offsets of a group without members: what generation -1 is for, and what no job does (PROTOCOL A2). */
const NO_MEMBER = { groupId: 'bench', generationId: -1, memberId: '', groupInstanceId: null };

/** A topic that was just made answers NOT_LEADER for a moment. */
async function committed(producer, payload) {
  for (;;) {
    try {
      return await producer.commit(payload);
    } catch (error) {
      if (error.reaction !== 'abort-epoch') throw error;
      await systemPlatform.scheduler.sleep(50);
      await producer.fence('own');
    }
  }
}

async function measure(version, pauseMs, { port, metadata }, name) {
  const topic = `commit-${name}`;
  await ensureTopics(port, systemPlatform, [
    { topic, partitions: PARTITIONS, replicationFactor: 1, configs: {} },
  ]);
  const forced = new Proxy(port, {
    get: (target, method) =>
      method === 'transactionVersion' ? () => Promise.resolve(version) : target[method].bind(target),
  });
  const options = { port: forced, metadata, platform: systemPlatform, fault: () => undefined };
  const producer = new TransactionalProducer({
    ...options,
    transactionalId: topic,
    transactionTimeoutMs: 30_000,
  });
  await producer.fence('takeover');
  const output = new OutputBuffers({ maxBatchBytes: () => 1_000_000, compression: 'none' });
  const builders = Array.from({ length: PARTITIONS }, (_, partition) => output.builder(topic, partition));
  const value = Buffer.alloc(100, 'x');
  const durations = [];
  const start = process.hrtime.bigint();
  for (let commit = 0; commit < COMMITS; commit++) {
    for (let i = 0; i < RECORDS; i++) {
      builders[i % PARTITIONS].appendBytes(Date.now(), null, -1, -1, value, 0, value.length, null);
    }
    const offsets = [{ topic, partition: 0, offset: BigInt(commit), leaderEpoch: -1, metadata: null }];
    const payload = { partitions: output.take(), changelogs: new Set(), offsets, group: NO_MEMBER };
    durations.push((await committed(producer, payload)).durationMs);
    if (pauseMs > 0) await systemPlatform.scheduler.sleep(pauseMs);
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  durations.sort((a, b) => a - b);
  const at = (share) => durations[Math.floor(share * (COMMITS - 1))];
  return { version, pauseMs, p50: at(0.5), p90: at(0.9), p99: at(0.99), rate: (COMMITS * RECORDS) / seconds };
}

/** What one commit takes in each transaction version, in turn on one broker. No limit: figures to compare. */
exports.commit = async ({ broker, rounds }) => {
  const port = createKafkaPort({ brokers: [broker], clientId: 'bench' }, systemPlatform);
  const metadata = new MetadataCache(port, systemPlatform);
  const rows = [];
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const pauseMs of PAUSES_MS) {
        for (const version of [1, 2]) {
          const row = await measure(version, pauseMs, { port, metadata }, `${round}-${pauseMs}-${version}`);
          if (round > 0) rows.push({ round, ...row });
        }
      }
    }
  } finally {
    metadata.close();
    await port.close();
  }
  return {
    ok: true,
    table: [
      `${COMMITS} commits of ${RECORDS} records of 100 bytes to ${PARTITIONS} partitions and one group offset:`,
      '',
      '| round | pause ms | transaction version | commit p50 ms | p90 | p99 | thousand records/s |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...rows.map(
        ({ round, pauseMs, version, p50, p90, p99, rate }) =>
          `| ${round} | ${pauseMs} | ${version} | ${[p50, p90, p99].map((ms) => ms.toFixed(1)).join(' | ')} | ${(rate / 1000).toFixed(1)} |`,
      ),
    ],
  };
};
