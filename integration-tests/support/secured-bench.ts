import { join } from 'node:path';
import { createJudge, type Judge } from '../judge/judge';
import { KafkaTools, type TestRecord } from './kafka-tools';
import { SecuredKafka, type SecuredKafkaOptions } from './secured-kafka';
import { killLeftovers, TidemarkProcess, type ProcessEnd } from './tidemark-process';

/** Counts payments by user, with a shuffle. */
const JOB = join(__dirname, '..', 'bad-input', 'jobs', 'totals.ts');

/** One run of the job against a listener. */
export interface SecuredRun {
  /** Application id, and the name of its state folder. */
  readonly app: string;
  readonly input: string;
  readonly output: string;
  /** Brokers of the run. */
  readonly at: string;
  /** `--set key=value`: what is no secret. */
  readonly set?: Readonly<Record<string, string>>;
  /** Options by their environment variable: what is secret. */
  readonly env?: Readonly<Record<string, string>>;
  readonly untilEnd?: boolean;
}

/** A secured broker, with a judge and tools that are super users of it, and jobs that are not. */
export class SecuredBench {
  readonly secured: SecuredKafka;
  readonly judge: Judge;
  readonly tools: KafkaTools;

  private constructor(secured: SecuredKafka, judge: Judge, tools: KafkaTools) {
    this.secured = secured;
    this.judge = judge;
    this.tools = tools;
  }

  static async open(options: SecuredKafkaOptions): Promise<SecuredBench> {
    const secured = await SecuredKafka.open(options);
    try {
      const judge = await createJudge(secured.kafka);
      return new SecuredBench(secured, judge, await KafkaTools.connect(secured.kafka.brokers));
    } catch (error) {
      await secured.close();
      throw error;
    }
  }

  start({ app, input, output, at, set = {}, env = {}, untilEnd = false }: SecuredRun): TidemarkProcess {
    const words = ['run', JOB, '--brokers', at, '--application-id', app, '--instance-id', 'one'];
    words.push('--state-dir', join(this.secured.folder, 'state'));
    for (const [key, value] of Object.entries(set)) words.push('--set', `${key}=${value}`);
    if (untilEnd) words.push('--until-end');
    return new TidemarkProcess(words, { ...env, JOB_INPUT: input, JOB_OUTPUT: output });
  }

  /** Runs the job to the end of its input, or to whatever ends it before. */
  toEnd(run: SecuredRun, limitMs?: number): Promise<ProcessEnd> {
    return this.start({ ...run, untilEnd: true }).end(limitMs);
  }

  /** Writes payments to both partitions of a topic. */
  async produce(topic: string, count: number): Promise<void> {
    const records = Array.from({ length: count }, (_, i): TestRecord => {
      const user = `u${i % 7}`;
      return { key: user, value: JSON.stringify({ user }), partition: i % 2 };
    });
    await this.tools.produce(topic, records);
  }

  async close(): Promise<void> {
    await killLeftovers();
    await this.tools.close();
    await this.secured.close();
  }
}
