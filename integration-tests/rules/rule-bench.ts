import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig } from '../../src/config';
import { defineJob, type Job } from '../../src/dsl/job';
import { KafkaRequestError } from '../../src/kafka/port';
import { freePorts } from '../../src/provision/local/ports';
import { obtainKafka, type KafkaHandle } from '../../src/provision';
import type { JobRun } from '../../src/runtime/run-api';
import { runJob } from '../../src/runtime/run-job';
import { json } from '../../src/serde';
import type { Logger, LogFields } from '../../src/util/logger';
import { createJudge, type Judge } from '../judge/judge';
import { createTopics, openTestClient, type TestClient } from '../support/kafka-client';
import type { Version } from '../exactly-once/matrix';
import { TcpProxy } from '../support/tcp-proxy';
import { waitFor } from '../support/wait';

export const PARTITIONS = 2;

export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A job that runs in this process, and what it says. */
export interface RunningJob {
  readonly run: JobRun;
  readonly lines: readonly LoggedLine[];
  /** Codes in the log, oldest first: what was recovered from. */
  codes(): string[];
  /** The first line with this code, now or later. */
  code(code: string, limitMs?: number): Promise<LoggedLine>;
}

/** One broker with judge, client and a folder for state; stops the jobs that a test left running. */
export class RuleBench {
  readonly kafka: KafkaHandle;
  readonly judge: Judge;
  readonly client: TestClient;
  readonly folder: string;
  readonly proxy: TcpProxy | null;
  private readonly running = new Set<JobRun>();

  private constructor(kafka: KafkaHandle, judge: Judge, folder: string, proxy: TcpProxy | null) {
    this.kafka = kafka;
    this.judge = judge;
    this.client = openTestClient(kafka);
    this.folder = folder;
    this.proxy = proxy;
  }

  static async open(version: Version): Promise<RuleBench> {
    return RuleBench.around(await obtainKafka({ source: 'local', version }), null);
  }

  /** Behind a proxy: whoever asks the broker for its address gets the proxy's. */
  static async openProxied(version: Version): Promise<RuleBench> {
    const [port] = await freePorts(1);
    const proxy = await TcpProxy.open(port!);
    try {
      const serverProperties = { 'advertised.listeners': `CLIENT://127.0.0.1:${proxy.port}` };
      return await RuleBench.around(
        await obtainKafka({ serverProperties, source: 'local', version, port: port! }),
        proxy,
      );
    } catch (error) {
      await proxy.close();
      throw error;
    }
  }

  private static async around(kafka: KafkaHandle, proxy: TcpProxy | null): Promise<RuleBench> {
    try {
      const folder = await mkdtemp(join(tmpdir(), 'tidemark-rules-'));
      return new RuleBench(kafka, await createJudge(kafka), folder, proxy);
    } catch (error) {
      await kafka.stop();
      throw error;
    }
  }

  /** Input and output topic of an application. */
  async topicsOf(app: string, partitions = PARTITIONS): Promise<{ input: string; output: string }> {
    const [input, output] = [`${app}-clicks`, `${app}-counts`];
    await createTopics(this.client, [input, output], partitions);
    return { input, output };
  }

  async start(
    job: Job,
    app: string,
    settings: Readonly<Record<string, string>> = {},
    untilEnd = false,
  ): Promise<RunningJob> {
    const config = resolveConfig({
      jobName: app,
      set: Object.entries({
        'kafka.brokers': this.kafka.brokers.join(','),
        'instance-id': 'one',
        'state-dir': join(this.folder, app),
        ...settings,
      }).map(([key, value]) => `${key}=${value}`),
    });
    const lines: LoggedLine[] = [];
    const run = await runJob(job, config, { logger: keepingLogger(lines), untilEnd });
    this.running.add(run);
    const forget = (): boolean => this.running.delete(run);
    run.finished.then(forget, forget);
    const codes = (): string[] =>
      lines.flatMap(({ fields }) => (typeof fields['code'] === 'string' ? [fields['code']] : []));
    const code = (wanted: string, limitMs = 30_000): Promise<LoggedLine> =>
      waitFor(
        `code ${wanted} in the log of ${app}; it has ${codes().join()}`,
        () => lines.find(({ fields }) => fields['code'] === wanted),
        { limitMs },
      );
    return { run, lines, codes, code };
  }

  /** Runs a job to the end of its input. */
  async toEnd(
    job: Job,
    app: string,
    settings: Readonly<Record<string, string>> = {},
    limitMs = 40_000,
  ): Promise<RunningJob> {
    const running = await this.start(job, app, settings, true);
    await within(running, limitMs);
    return running;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.running].map((run) => run.stop()));
    await this.client.close();
    await this.kafka.stop();
    await this.proxy?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** @throws Error with the log when the job has not finished by then; it is stopped with the bench */
async function within({ run, lines }: RunningJob, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, limitMs, 'late')));
  const end = await Promise.race([run.finished, late]);
  clearTimeout(timer);
  if (end !== 'late') return;
  const words = lines.slice(-KEPT_WORDS).map((line) => JSON.stringify(line));
  throw new Error(`the job did not finish within ${limitMs} ms:\n${words.join('\n')}`);
}
const KEPT_WORDS = 30;

function keepingLogger(lines: LoggedLine[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ level, message, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

interface Click {
  readonly userId: string;
}

/** Running clicks by user behind a shuffle: two stages, so that every epoch has output, shuffle and two changelogs. */
export function countingJob(
  topics: { readonly input: string; readonly output: string },
  options: {
    readonly startFrom?: 'earliest' | 'latest';
    /** Sees every click that is processed, before the shuffle. */
    readonly onClick?: (at: { readonly partition: number; readonly offset: number }) => void;
    /** As onClick, behind the shuffle. */
    readonly beforeCount?: (click: Click) => void;
  } = {},
): Job {
  return defineJob('rule-counts', (env) =>
    env
      .source<Click>(topics.input, { value: json<Click>(), startFrom: options.startFrom ?? 'earliest' })
      .peek((_, { partition, offset }) => options.onClick?.({ partition, offset }))
      .keyBy((click) => click.userId, { name: 'by-user' })
      .map((click) => {
        options.beforeCount?.(click);
        return click;
      })
      .count({ name: 'counts' })
      .to(topics.output, { value: json() }),
  );
}

/** The sum of the group's offsets in the input; 0 while nothing is committed or nobody answers. */
export async function committedOf(bench: RuleBench, app: string, input: string): Promise<number> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: input, partition }));
  try {
    const { offsets } = await bench.client.port.offsetFetch(app, partitions, false);
    return offsets.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  } catch (error) {
    if (error instanceof KafkaRequestError) return 0;
    throw error;
  }
}
