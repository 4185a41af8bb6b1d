'use strict';

/** idle-child.js CLIENT BROKER CONNECTIONS SECONDS: holds idle connections; prints the share of a core that they cost. */
const { setTimeout: sleep } = require('node:timers/promises');
const { Kafka, logLevel } = require('kafkajs');
const { Connector } = require('../../dist/kafka/transport/connector.js');
const { Lane } = require('../../dist/kafka/transport/lane.js');
const { METADATA } = require('../../dist/kafka/protocol/metadata.js');
const { systemPlatform } = require('../../dist/util/system.js');

const [, , client, broker, connections, seconds] = process.argv;
const SETTLE_MS = 2_000;

const clients = {
  /** Each has answered one request, as a connection that fell idle. */
  tidemark: async () => {
    const [host, port] = broker.split(':');
    const connector = new Connector({ brokers: [broker], clientId: 'idle' }, systemPlatform);
    const connect = (onFailure) => connector.connect({ host, port: Number(port) }, onFailure);
    const options = { clientId: 'idle', platform: systemPlatform, name: broker, connect };
    const lanes = Array.from({ length: Number(connections) }, () => new Lane(options));
    await Promise.all(lanes.map((lane) => lane.send(METADATA, { topics: [] }, 30_000)));
  },
  kafkajs: async () => {
    const kafka = new Kafka({ brokers: [broker], clientId: 'idle', logLevel: logLevel.NOTHING });
    await Promise.all(Array.from({ length: Number(connections) }, () => kafka.admin().connect()));
  },
  /** What the process costs without any. */
  nothing: async () => undefined,
};

async function main() {
  await clients[client]();
  await sleep(SETTLE_MS);
  const before = process.cpuUsage();
  const start = process.hrtime.bigint();
  await sleep(Number(seconds) * 1000);
  const { user, system } = process.cpuUsage(before);
  const elapsedUs = Number(process.hrtime.bigint() - start) / 1e3;
  process.stdout.write(`${JSON.stringify({ client, corePercent: (100 * (user + system)) / elapsedUs })}\n`);
  process.exit(0);
}

void main();
