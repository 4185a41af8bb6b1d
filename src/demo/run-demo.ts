import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LiveLine } from '../cli/progress/live-line';
import type { TextOutput } from '../cli/io';
import { TidemarkError } from '../errors';
import type { ClientContext } from '../kafka/client/client-context';
import { MetadataCache } from '../kafka/client/metadata-cache';
import { deleteTopics, ensureTopics } from '../kafka/client/topic-admin';
import { createKafkaPort } from '../kafka/transport/real-kafka-port';
import type { KafkaHandle } from '../provision';
import { changelogTopic, controlTopic, shuffleTopic } from '../topology/internal-topics';
import { systemPlatform } from '../util/system';
import { ClickSource, expectedCounts } from './click-source';
import { ClickWriter } from './click-writer';
import type { DemoOptions } from './demo-options';
import { JobProcess } from './job-process';
import { checkOutput, countEpochs, type OutputVerdict } from './output-check';
import { groupProgress } from './group-progress';

const PARTITIONS = 4;
const SEED = 42;
const LOOK_EVERY_MS = 200;
const PRINT_EVERY_MS = 2000;
/** Shares of the input after which the job is killed. */
const KILL_AT = [0.25, 0.6];

export interface DemoSummary extends OutputVerdict {
  readonly clicks: number;
  readonly epochs: number;
  readonly kills: number;
  readonly seconds: number;
  /** Of the job's process after SIGTERM; 0 when it ended cleanly. */
  readonly exitCode: number | null;
}

/** `npm start`: clicks, counted exactly once, by a job that may be killed while it does so. */
export class Demo {
  private readonly options: DemoOptions;
  private readonly line: LiveLine;
  private readonly terminal: boolean;
  private lastShownAt = -Infinity;
  private lastLook: readonly [read: number, at: number] = [0, systemPlatform.clock.monotonic()];
  private readonly client: ClientContext;
  private readonly id = `tidemark-demo-${systemPlatform.random.id().slice(0, 8)}`;
  private readonly input = `${this.id}-clicks`;
  private readonly output = `${this.id}-user-counts`;
  private readonly handle: KafkaHandle;
  private interrupted = false;
  private abandoned = false;

  constructor(options: DemoOptions, handle: KafkaHandle, output: TextOutput) {
    this.options = options;
    this.handle = handle;
    this.line = new LiveLine(output);
    this.terminal = output.isTerminal;
    const port = createKafkaPort({ brokers: handle.brokers, clientId: this.id }, systemPlatform);
    this.client = { port, metadata: new MetadataCache(port, systemPlatform), platform: systemPlatform };
  }

  /** With --forever the first time ends the writing, and what is written is still counted; else everything ends. */
  interrupt(): void {
    this.abandoned = this.interrupted || !this.options.forever;
    this.interrupted = true;
  }

  async run(): Promise<DemoSummary> {
    const stateDir = await mkdtemp(join(tmpdir(), 'tidemark-demo-'));
    const job = new JobProcess({
      brokers: this.handle.brokers.join(','),
      applicationId: this.id,
      stateDir,
      executors: this.options.executors,
      env: { TIDEMARK_DEMO_INPUT: this.input, TIDEMARK_DEMO_OUTPUT: this.output },
    });
    try {
      await this.createTopics();
      return await this.countClicks(job);
    } finally {
      await job.kill();
      await rm(stateDir, { recursive: true, force: true });
      await this.cleanUp();
    }
  }

  private async countClicks(job: JobProcess): Promise<DemoSummary> {
    const source = new ClickSource(SEED, this.options.users);
    const writer = new ClickWriter(this.client, this.input, PARTITIONS);
    let clicks = this.options.clicks;
    this.line.print(`writing ${clicks.toLocaleString('en-US')} clicks to ${this.input}`);
    await writer.write(source, clicks, (n) => {
      this.checkAbandoned();
      this.show(`${n.toLocaleString('en-US')} written`);
    });
    const startedAt = systemPlatform.clock.monotonic();
    this.line.print(`starting the job as application ${this.id}`);
    job.start();
    const kills = await this.follow(job, clicks);
    while (this.options.forever && !this.interrupted) {
      await writer.write(source, this.options.clicks, () => undefined);
      clicks += this.options.clicks;
      await this.follow(job, clicks);
    }
    const seconds = (systemPlatform.clock.monotonic() - startedAt) / 1000;
    const exitCode = await job.stop();
    this.line.clear();
    this.line.print('reading the committed output');
    const expected = expectedCounts(SEED, this.options.users, clicks);
    const verdict = await checkOutput(this.client, this.output, PARTITIONS, expected);
    const epochs = await countEpochs(this.client, this.changelogs());
    const holds = verdict.holds && exitCode === 0;
    return { ...verdict, holds, clicks, epochs, kills, seconds, exitCode };
  }

  /** Shows what the group has committed until all clicks are counted; kills on the way when asked to. */
  private async follow(job: JobProcess, clicks: number): Promise<number> {
    const killAt = this.options.kill ? KILL_AT.map((share) => share * clicks) : [];
    let kills = 0;
    for (;;) {
      await systemPlatform.scheduler.sleep(LOOK_EVERY_MS);
      job.check();
      this.checkAbandoned();
      const read = (await this.progressIn(this.input)).committed;
      this.show(progressText(read, clicks, this.rate(read)));
      if (read >= clicks && (await this.allCounted())) return kills;
      if (killAt[kills] !== undefined && read >= killAt[kills]!) {
        kills++;
        await job.kill();
        this.line.print(`SIGKILL after ${read.toLocaleString('en-US')} clicks; starting the job again`);
        job.start();
      }
    }
  }

  private checkAbandoned(): void {
    if (this.abandoned) throw interruptedError();
  }

  /** Clicks a second since the last look. */
  private rate(read: number): number {
    const now = systemPlatform.clock.monotonic();
    const [before, at] = this.lastLook;
    this.lastLook = [read, now];
    return Math.round((Math.max(0, read - before) * 1000) / (now - at));
  }

  /** In place on a terminal; elsewhere a line now and then. */
  private show(text: string): void {
    if (this.terminal) return this.line.update(text);
    const now = systemPlatform.clock.monotonic();
    if (now - this.lastShownAt < PRINT_EVERY_MS) return;
    this.lastShownAt = now;
    this.line.print(text);
  }

  /** Everything that the first stage has passed on is counted and committed, too. */
  private async allCounted(): Promise<boolean> {
    const { committed, end } = await this.progressIn(shuffleTopic(this.id, 'by-user', 1));
    return committed === end;
  }

  private progressIn(topic: string): ReturnType<typeof groupProgress> {
    return groupProgress(this.client, this.id, topic, PARTITIONS);
  }

  private async createTopics(): Promise<void> {
    const topics = [this.input, this.output].map((topic) => ({
      topic,
      partitions: PARTITIONS,
      replicationFactor: -1,
      configs: {},
    }));
    await ensureTopics(this.client.port, systemPlatform, topics);
  }

  private changelogs(): { topic: string; partitions: number }[] {
    return [this.input, 'by-user'].map((stage) => ({
      topic: changelogTopic(this.id, stage, 1),
      partitions: PARTITIONS,
    }));
  }

  /** Leaves nothing behind in a Kafka that is not ours. */
  private async cleanUp(): Promise<void> {
    const { port, metadata } = this.client;
    if (this.handle.source === 'environment') {
      const internal = [
        ...this.changelogs().map(({ topic }) => topic),
        shuffleTopic(this.id, 'by-user', 1),
        controlTopic(this.id),
      ];
      await deleteTopics(port, systemPlatform, [this.input, this.output, ...internal]);
      await port.deleteGroup(this.id);
    }
    metadata.close();
    await port.close();
  }
}

function interruptedError(): TidemarkError {
  return new TidemarkError('TM5008', 'stop', 'interrupted before all clicks were counted', {
    hint: 'nothing of the demo is left behind; start it again',
  });
}

function progressText(read: number, clicks: number, rate: number): string {
  const share = Math.floor((100 * read) / clicks);
  const [done, all, perSecond, lag] = [read, clicks, rate, clicks - read].map((n) =>
    Math.max(0, n).toLocaleString('en-US'),
  );
  return `${done} of ${all} clicks committed (${share} %) · ${perSecond}/s · lag ${lag}`;
}
