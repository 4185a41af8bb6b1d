import { resolveConfig } from '../../config';
import { defineJob, type Job } from '../../dsl/job';
import { isTidemarkError } from '../../errors';
import { openIdempotentSender } from '../../epoch/transaction/idempotent-sender';
import { BatchBuilder } from '../../kafka/codec/batch-builder';
import type { ClientContext } from '../../kafka/client/client-context';
import { readLog } from '../../kafka/client/log-reader';
import { MetadataCache } from '../../kafka/client/metadata-cache';
import { waitForStable } from '../../kafka/client/offsets';
import type { SimKafka, SimProcess } from '../../kafka/sim';
import { json } from '../../serde';
import { heapBackend } from '../../state/heap/heap-store';
import type { FaultPoint } from '../../util/fault-points';
import { silentLogger, type Logger } from '../../util/logger';
import { bootstrap, type Bootstrapped } from '../bootstrap';
import { whenBrokersAnswer } from '../await-brokers';
import { Executor } from '../executor';

const INPUT = 'clicks';
const OUTPUT = 'user-counts';
const FORWARD_MS = 120_000;

interface Click {
  readonly userId: string;
}

/** Counts clicks by user, behind a shuffle. */
const countJob: Job = defineJob('count', (env) =>
  env
    .source(INPUT, { value: json<Click>() })
    .keyBy((click) => click.userId, { name: 'by-user' })
    .count({ name: 'counts' })
    .to(OUTPUT, { value: json() }),
);

export interface SimExecutorOptions {
  readonly instanceId?: string;
  readonly settings?: readonly string[];
  readonly logger?: Logger;
  /** Called at every fault point; may kill the process. */
  readonly onPoint?: (point: FaultPoint, process: SimProcess) => void;
}

/** An executor in a process of its own, put together as `openExecutor` does it. `ended`: null while it runs. */
export interface SimExecutor {
  readonly process: SimProcess;
  readonly finished: Promise<void>;
  ended: { readonly error: unknown } | null;
  stop(): void;
  kill(): void;
}

export function startExecutor(kafka: SimKafka, options: SimExecutorOptions = {}): SimExecutor {
  const instanceId = options.instanceId ?? 'i';
  const process = kafka.process(instanceId);
  let executor: Executor | null = null;
  let stopping = false;
  const run = async (): Promise<void> => {
    executor = await open(kafka, process, instanceId, options);
    if (stopping) executor.stop();
    await executor.run();
  };
  const finished = run();
  const started: SimExecutor = {
    process,
    finished,
    ended: null,
    stop: () => {
      stopping = true;
      executor?.stop();
    },
    kill: () => process.kill(),
  };
  finished.then(
    () => (started.ended = { error: null }),
    (error: unknown) => (started.ended = { error }),
  );
  return started;
}

async function open(
  kafka: SimKafka,
  process: SimProcess,
  instanceId: string,
  { settings = [], logger = silentLogger, onPoint }: SimExecutorOptions,
): Promise<Executor> {
  const config = resolveConfig({
    jobName: 'count',
    env: { HOME: '/nowhere' },
    set: ['state.backend.type=heap', 'kafka.brokers=sim:9092', ...settings],
  });
  const port = kafka.connect({ clientId: instanceId, process });
  const metadata = new MetadataCache(port, process);
  const client = { port, metadata, platform: process };
  const prepare = (): Promise<Bootstrapped> => bootstrap(client, config, countJob.topology, logger);
  const { plan, topics } = await whenBrokersAnswer(prepare, config, process, logger);
  const fault = (point: FaultPoint): void => onPoint?.(point, process);
  return new Executor(
    {
      ...client,
      ...{ config, plan, topics, logger, instanceId, fault },
      topology: countJob.topology,
      backend: heapBackend,
      index: 0,
    },
    { untilEnd: false },
  );
}

/** A client that is never stopped: it feeds and judges. */
export class SimJudge {
  readonly client: ClientContext;
  private readonly partitions: number;
  private readonly kafka: SimKafka;
  private fed = 0;

  private constructor(kafka: SimKafka, partitions: number) {
    const port = kafka.connect({ clientId: 'judge' });
    const { platform } = kafka;
    this.kafka = kafka;
    this.partitions = partitions;
    this.client = { port, platform, metadata: new MetadataCache(port, platform) };
  }

  static async open(kafka: SimKafka, partitions: number): Promise<SimJudge> {
    const judge = new SimJudge(kafka, partitions);
    const topics = [INPUT, OUTPUT].map((topic) => ({
      topic,
      partitions,
      replicationFactor: -1,
      configs: {},
    }));
    await judge.client.port.createTopics(topics);
    await kafka.platform.advance(100);
    return judge;
  }

  /** Writes clicks of ten users, spread over the partitions. Some may be lost: what counts is what is in the topic. */
  async feed(clicks: number): Promise<void> {
    const builders = Array.from(
      { length: this.partitions },
      () => new BatchBuilder({ maxBatchBytes: 10_000 }),
    );
    const now = this.client.platform.clock.now();
    for (let i = 0; i < clicks; i++) {
      const click: Click = { userId: `u${this.fed++ % 10}` };
      const builder = builders[this.kafka.platform.random.below(this.partitions)]!;
      builder.append(now, null, null, json<Click>(), click, null);
    }
    const payload = builders.flatMap((builder, partition) => {
      const batches = builder.take();
      return batches.length === 0 ? [] : [{ topic: INPUT, partition, batches }];
    });
    try {
      await (await openIdempotentSender(this.client)).send(payload);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
    }
  }

  /** What a model run over the committed input comes to: 1, 2, 3 … for each user. */
  async expected(): Promise<Map<string, number[]>> {
    const counts = new Map<string, number[]>();
    await this.readAll(INPUT, (_, value) => {
      const { userId } = JSON.parse(value) as Click;
      const list = counts.get(userId) ?? [];
      counts.set(userId, [...list, list.length + 1]);
    });
    return sorted(counts);
  }

  /** The counts of each user in the order in which a read_committed reader sees them. */
  async counts(): Promise<Map<string, number[]>> {
    const counts = new Map<string, number[]>();
    await this.readAll(OUTPUT, (user, value) => {
      counts.set(user, [...(counts.get(user) ?? []), Number(value)]);
    });
    return sorted(counts);
  }

  /** Waits until the output holds as many counts as there are clicks, at most two virtual minutes. */
  async settled(): Promise<Map<string, number[]>> {
    const { clock, scheduler } = this.client.platform;
    const deadline = clock.monotonic() + FORWARD_MS;
    const clicks = sizeOf(await this.expected());
    for (;;) {
      const counts = await this.counts();
      if (sizeOf(counts) >= clicks || clock.monotonic() > deadline) return counts;
      await scheduler.sleep(200);
    }
  }

  private async readAll(topic: string, take: (key: string, value: string) => void): Promise<void> {
    for (let partition = 0; partition < this.partitions; partition++) {
      const to = await waitForStable(this.client, { topic, partition, deadlineMs: FORWARD_MS });
      await readLog({
        ...this.client,
        ...{ topic, partition, from: 'earliest', to, isolation: 'read_committed' },
        onChunk: (cursor) => {
          while (cursor.next()) {
            const key = cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd);
            take(key, cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
          }
        },
      });
    }
  }
}

function sorted(counts: ReadonlyMap<string, number[]>): Map<string, number[]> {
  return new Map([...counts].sort(([a], [b]) => a.localeCompare(b)));
}

function sizeOf(counts: ReadonlyMap<string, number[]>): number {
  return [...counts.values()].reduce((sum, list) => sum + list.length, 0);
}
