import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { createJudge, type Judge } from '../judge/judge';
import { KafkaTools } from './kafka-tools';
import { killLeftovers, TidemarkProcess, type ProcessEnd } from './tidemark-process';

/** One run of a job on the bench. */
export interface BenchRun {
  /** Job file. */
  readonly job: string;
  /** Application id, and the name of its state folder. */
  readonly app: string;
  /** Default `one`: a restart is the same member with the same transactional id. */
  readonly instance?: string;
  readonly untilEnd?: boolean;
  /** `--set key=value`. */
  readonly set?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Further words of the command line. */
  readonly args?: readonly string[];
  /** Default: of the application, in the bench's folder. */
  readonly stateDir?: string;
}

/** A broker, the judge, tools and a folder for the tests of one file. */
export class TestBench {
  readonly kafka: KafkaHandle;
  readonly judge: Judge;
  readonly tools: KafkaTools;
  /** For state folders and job files. */
  readonly folder: string;

  private constructor(kafka: KafkaHandle, judge: Judge, tools: KafkaTools, folder: string) {
    this.kafka = kafka;
    this.judge = judge;
    this.tools = tools;
    this.folder = folder;
  }

  static async open(): Promise<TestBench> {
    const kafka = await obtainKafka();
    try {
      const judge = await createJudge(kafka);
      const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'));
      return new TestBench(kafka, judge, await KafkaTools.connect(kafka.brokers), folder);
    } catch (error) {
      await kafka.stop();
      throw error;
    }
  }

  get brokers(): string {
    return this.kafka.brokers.join(',');
  }

  /** Starts `tidemark run`. */
  start(run: BenchRun): TidemarkProcess {
    const { job, app, instance = 'one', untilEnd = false, set = {}, env, args = [] } = run;
    const words = ['run', job, '--brokers', this.brokers, '--application-id', app, '--instance-id', instance];
    words.push('--state-dir', run.stateDir ?? join(this.folder, app));
    for (const [key, value] of Object.entries(set)) words.push('--set', `${key}=${value}`);
    if (untilEnd) words.push('--until-end');
    return new TidemarkProcess([...words, ...args], env);
  }

  /** Runs a job to the end of its input, or to whatever ends it before. */
  toEnd(run: BenchRun, limitMs?: number): Promise<ProcessEnd> {
    return this.start({ ...run, untilEnd: true }).end(limitMs);
  }

  async close(): Promise<void> {
    await killLeftovers();
    await this.tools.close();
    await this.kafka.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
