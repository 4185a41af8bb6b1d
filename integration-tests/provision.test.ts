import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { obtainKafka, type KafkaHandle } from '../src/provision';
import { processExists } from '../src/provision/local/user-cache';
import { describeWithLocalKafka } from './judge/local-kafka-missing';

jest.setTimeout(240_000);

const VERSIONS = ['4.4.0', '3.9.1'];
const TOPIC = 'kept';
const REPOSITORY = dirname(__dirname);
const PARENT_DEATH_LIMIT_MS = 30_000;

let kafka: KafkaHandle | undefined;

afterEach(async () => {
  await kafka?.stop();
  kafka = undefined;
});

function clientOf({ brokers }: KafkaHandle): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
}

async function withAdmin<T>(handle: KafkaHandle, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(handle).admin();
  await admin.connect();
  return use(admin).finally(() => admin.disconnect());
}

async function writeOne(handle: KafkaHandle): Promise<void> {
  const producer = clientOf(handle).producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, acks: -1, messages: [{ key: 'k', value: 'v' }] });
  await producer.disconnect();
}

async function eventually(holds: () => Promise<boolean> | boolean, limitMs: number): Promise<boolean> {
  for (const deadline = Date.now() + limitMs; Date.now() < deadline; await sleep(50)) {
    if (await holds()) return true;
  }
  return holds();
}

const describeLocal = describeWithLocalKafka(VERSIONS);

describeLocal('one local broker', () => {
  it.each(VERSIONS)('%s keeps data and address over a kill and an orderly stop', async (version) => {
    kafka = await obtainKafka({ source: 'local', version });
    const [node] = kafka.nodes;
    if (node === undefined) throw new Error('no node');
    expect(kafka).toMatchObject({ source: 'local', version, brokers: [node.address] });
    await withAdmin(kafka, (admin) => admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }] }));
    await writeOne(kafka);
    const firstPid = node.pid;

    await node.kill();
    expect(node.isRunning()).toBe(false);
    await node.start();
    expect(node.pid).not.toBe(firstPid);
    await writeOne(kafka);
    await node.stop();
    expect(node.isRunning()).toBe(false);
    await node.start();
    const ends = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(TOPIC));
    expect(ends).toEqual([expect.objectContaining({ partition: 0, low: '0', high: '2' })]);
  });

  it('leaves neither process nor file', async () => {
    kafka = await obtainKafka({ source: 'local' });
    const pid = kafka.nodes[0]?.pid ?? 0;
    const folder = dirname(kafka.logDir ?? '');
    expect(await readdir(folder)).toContain('node-1');
    await kafka.stop();
    expect(processExists(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  it('keeps a data folder that the caller named, and uses it again', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'provision-test-'));
    try {
      const first = (kafka = await obtainKafka({ source: 'local', dataDir }));
      await withAdmin(first, (admin) => admin.createTopics({ topics: [{ topic: TOPIC }] }));
      await kafka.stop();
      kafka = await obtainKafka({ source: 'local', dataDir });
      expect(await withAdmin(kafka, (admin) => admin.listTopics())).toContain(TOPIC);
      await kafka.stop();
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });

  it('says what the server complains about when it cannot start', async () => {
    const broken = obtainKafka({ source: 'local', serverProperties: { 'log.segment.bytes': 'many' } });
    const failure: unknown = await broken.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'TM1010',
      message: expect.stringMatching(/many.*log\.segment\.bytes/),
    });
    const logs = /\(logs: (.+?)\)/.exec((failure as Error).message)?.[1] ?? '';
    expect(await readdir(dirname(logs))).not.toContain('node-1');
    await rm(dirname(logs), { recursive: true });
  });

  it('ends with its parent, even when that is killed', async () => {
    const parent = startParent();
    const [line] = (await once(createInterface(parent.stdout as never), 'line')) as [string];
    const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
    expect(processExists(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await eventually(() => !processExists(pid), PARENT_DEATH_LIMIT_MS)).toBe(true);
    expect(await eventually(() => !existsSync(folder), PARENT_DEATH_LIMIT_MS)).toBe(true);
  });
});

/** A process of its own that starts a broker and then waits for ever. */
function startParent(): ChildProcess {
  const script = `
    const { createJiti } = require('jiti');
    const load = createJiti(${JSON.stringify(`${REPOSITORY}/`)});
    load.import('./src/provision/index.ts').then(async ({ obtainKafka }) => {
      const kafka = await obtainKafka({ source: 'local' });
      const folder = require('node:path').dirname(kafka.logDir);
      console.log(JSON.stringify({ pid: kafka.nodes[0].pid, folder }));
    });`;
  return spawn(process.execPath, ['-e', script], { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'inherit'] });
}

describeLocal('three local brokers', () => {
  it('replicate, and go on without one', async () => {
    kafka = await obtainKafka({ source: 'local', brokers: 3 });
    const handle = kafka;
    const topics = [{ topic: TOPIC, numPartitions: 3 }];
    await withAdmin(handle, (admin) => admin.createTopics({ topics, waitForLeaders: false }));
    const replicas = (): Promise<number[][]> =>
      withAdmin(handle, async (admin) => {
        const { topics: found } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
        return (found[0]?.partitions ?? []).map((partition) => partition.isr);
      }).catch(() => []);
    const allInSync = async (count: number): Promise<boolean> => {
      const found = await replicas();
      return found.length === 3 && found.every((isr) => isr.length === count);
    };
    expect(await eventually(() => allInSync(3), 30_000)).toBe(true);
    await handle.nodes[0]?.kill();
    expect(await eventually(() => allInSync(2), 60_000)).toBe(true);
    await writeOne(handle);
    await handle.nodes[0]?.start();
    expect(await eventually(() => allInSync(3), 60_000)).toBe(true);
  });
});
