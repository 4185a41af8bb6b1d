import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaRequestError } from '../../src/kafka/port';
import type { KafkaHandle } from '../../src/provision';
import { JobProcess } from '../support/job-process';
import { createTopics, openTestClient, type TestClient } from '../support/kafka-client';
import { waitFor } from '../support/wait';
import type { SeenStage } from './consistency';
import type { Backend, Mode } from './fault-plan';

export const PARTITIONS = 4;
const MODULE = join(__dirname, 'count-job.js');
const INSTANCE = 'test';

export interface CountingJobOptions {
  readonly kafka: KafkaHandle;
  readonly applicationId: string;
  readonly backend: Backend;
  readonly shuffle: boolean;
  readonly executors: 1 | 2;
  readonly mode: Mode;
  readonly settings?: Readonly<Record<string, string>>;
}

/** The job of these tests with its topics, its state folder, and a look at its consumer group. */
export class CountingJob {
  readonly process: JobProcess;
  readonly client: TestClient;
  readonly input: string;
  readonly output: string;
  readonly applicationId: string;
  private readonly options: CountingJobOptions;
  private readonly stateDir: string;

  private constructor(options: CountingJobOptions, stateDir: string) {
    const { kafka, applicationId, executors, backend, mode, shuffle, settings } = options;
    this.options = options;
    this.stateDir = stateDir;
    this.applicationId = applicationId;
    this.input = `${applicationId}-clicks`;
    this.output = `${applicationId}-user-counts`;
    this.client = openTestClient(kafka);
    this.process = new JobProcess({
      module: MODULE,
      brokers: kafka.brokers,
      applicationId,
      instanceId: INSTANCE,
      stateDir,
      executors,
      settings: { 'state.backend.type': backend, 'execution.checkpointing.mode': mode, ...settings },
      env: { COUNT_INPUT: this.input, COUNT_OUTPUT: this.output, COUNT_SHUFFLE: shuffle ? 'yes' : 'no' },
    });
  }

  static async create(options: CountingJobOptions): Promise<CountingJob> {
    const job = new CountingJob(options, await mkdtemp(join(tmpdir(), 'tidemark-state-')));
    await createTopics(job.client, [job.input, job.output], PARTITIONS);
    return job;
  }

  get stages(): SeenStage[] {
    const { applicationId, input, options } = this;
    const first = { input, changelog: `${applicationId}-${input}-changelog` };
    if (!options.shuffle) return [first];
    const second = {
      input: `${applicationId}-by-user-shuffle`,
      changelog: `${applicationId}-by-user-changelog`,
    };
    return [first, second];
  }

  get controlTopic(): string {
    return `${this.applicationId}-control`;
  }

  /** Sum of the group's committed offsets over the inputs of all stages; 0 while nobody answers. */
  async progress(): Promise<number> {
    return (await this.committed(this.stages.map(({ input }) => input))).reduce(
      (sum, offset) => sum + offset,
      0,
    );
  }

  /** Committed clicks of the source topic. */
  async clicksRead(): Promise<number> {
    return (await this.committed([this.input])).reduce((sum, offset) => sum + offset, 0);
  }

  /** Takes the transactional id of the first executor, as a second owner would: its next commit is refused. */
  async fenceFirstExecutor(): Promise<void> {
    const transactionalId = `${this.applicationId}-${INSTANCE}-0`;
    const request = { transactionalId, transactionTimeoutMs: 60_000, current: null };
    // While an epoch is being committed the coordinator puts us off, and nothing is taken.
    await waitFor('the transactional id', async () =>
      (await this.client.port.initProducerId(request)).errorCode === 0 ? true : undefined,
    );
  }

  async deleteState(): Promise<void> {
    await rm(this.stateDir, { recursive: true, force: true });
  }

  async dispose(): Promise<void> {
    await this.process.end('SIGKILL');
    await this.client.close();
    await this.deleteState();
  }

  private async committed(topics: readonly string[]): Promise<number[]> {
    const partitions = topics.flatMap((topic) =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
    );
    try {
      const { offsets } = await this.client.port.offsetFetch(this.applicationId, partitions, false);
      return offsets.map(({ offset }) => Math.max(0, Number(offset)));
    } catch (error) {
      if (error instanceof KafkaRequestError) return [];
      throw error;
    }
  }
}
