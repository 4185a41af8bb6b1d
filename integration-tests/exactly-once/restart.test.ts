import { obtainKafka, type KafkaHandle } from '../../src/provision';
import { createJudge, type Judge } from '../judge/judge';
import { describeWithLocalKafka } from '../judge/local-kafka-missing';
import { slowdown } from '../support/slowdown';
import { waitFor } from '../support/wait';
import { readCommitLog } from './commit-log';
import { CountingJob, PARTITIONS } from './counting-job';
import type { Backend } from './fault-plan';
import { VERSIONS } from './matrix';

jest.setTimeout(300_000);

const CLICKS = 200_000;
const USERS = 20_000;
/** From the start of the process to its first commit, on a machine that has nothing else to do. */
const FIRST_COMMIT_LIMIT_MS = 4000;
/** Had one of them been waited for, it would show, however busy the machine is. */
const SESSION_TIMEOUT_MS = 10_000;
const TIMEOUTS = { 'kafka.session-timeout': `${SESSION_TIMEOUT_MS}ms`, 'kafka.transaction-timeout': '60s' };
/** The machine may be busy with something else for a moment: the quickest of so many restarts counts. */
const RESTARTS = 3;
/** Small epochs, so that most of the input is still to come. */
const SETTINGS = { ...TIMEOUTS, 'execution.epoch.interval': '20ms' };
/** In the middle of an epoch, with its transaction open. */
const DEATH = { fault: 'txn.offsets-committed:8' };
/** The epoch that was not applied to the local store, and the one before it whose write may have been lost. */
const EPOCHS_IN_TAIL = 2;

interface Recovered {
  readonly task: string;
  readonly how: string;
  readonly records: number;
}

describeWithLocalKafka(VERSIONS.slice(0, 1))('a job started again after SIGKILL', () => {
  let kafka: KafkaHandle;
  let judge: Judge;
  let jobs = 0;

  beforeAll(async () => {
    kafka = await obtainKafka({ source: 'local', version: VERSIONS[0] });
    judge = await createJudge(kafka);
  });
  afterAll(() => kafka.stop());

  async function withDeadJob(
    backend: Backend,
    executors: 1 | 2,
    body: (job: CountingJob) => Promise<void>,
  ): Promise<void> {
    const applicationId = `restart-${(jobs += 1)}`;
    const fixed = { kafka, applicationId, shuffle: true, mode: 'EXACTLY_ONCE', settings: SETTINGS } as const;
    const job = await CountingJob.create({ ...fixed, backend, executors });
    try {
      await judge.produceClicks({ topic: job.input, count: CLICKS, users: USERS });
      await dieInTransaction(job);
      await body(job);
    } finally {
      await job.dispose();
    }
  }

  async function dieInTransaction(job: CountingJob): Promise<void> {
    job.process.start(DEATH);
    expect((await job.process.exited).signal).toBe('SIGKILL');
    expect((await judge.transactions()).map(({ state }) => state)).toContain('Ongoing');
  }

  /** Starts the job; milliseconds from the start of its process to the first commit that it adds. */
  async function timeToFirstCommit(job: CountingJob): Promise<number> {
    const before = await job.progress();
    job.process.start();
    await waitFor('a commit', async () => (await job.progress()) > before || undefined, { everyMs: 10 });
    return Date.now() - job.process.startedAt;
  }

  /** The job runs when this returns. */
  async function expectQuickRestart(job: CountingJob): Promise<void> {
    const shares: number[] = [];
    for (let restart = 0; restart < RESTARTS; restart++) {
      if (restart > 0) {
        await job.process.end('SIGKILL');
        await dieInTransaction(job);
      }
      const before = slowdown();
      const ms = await timeToFirstCommit(job);
      expect(ms).toBeLessThan(SESSION_TIMEOUT_MS);
      shares.push(ms / (FIRST_COMMIT_LIMIT_MS * Math.max(before, slowdown())));
      if (Math.min(...shares) < 1) return;
    }
    expect(Math.min(...shares)).toBeLessThan(1);
  }

  async function recovered(job: CountingJob): Promise<Recovered[]> {
    const tasks = job.stages.length * PARTITIONS;
    return waitFor('all tasks', () => {
      if (!job.process.running) throw new Error(`the job has ended:\n${job.process.lastWords()}`);
      const lines = job.process.logged('task recovered') as unknown as Recovered[];
      return lines.length >= tasks ? lines : undefined;
    });
  }

  async function expectExactOutput(job: CountingJob): Promise<void> {
    await job.process.end('SIGKILL');
    job.process.start({ untilEnd: true });
    expect(await job.process.exited).toEqual({ code: 0, signal: null });
    const verdict = await judge.clicks(job.output, CLICKS);
    expect(verdict).toMatchObject({ ok: true, total: CLICKS, gaps: 0, repeats: 0 });
  }

  /** By task: changelog records of its largest epoch, its commit record included. */
  async function largestEpochs(job: CountingJob): Promise<Map<string, number>> {
    const largest = new Map<string, number>();
    for (const { changelog } of job.stages) {
      const stage = changelog.slice(job.applicationId.length + 1, -'-changelog'.length);
      for (const [partition, commits] of readCommitLog(
        await judge.dump(changelog, { key: Buffer.from([0]) }),
      )) {
        const ends = [-1, ...commits.map(({ offset }) => offset)];
        const sizes = ends.slice(1).map((end, i) => end - (ends[i] ?? 0));
        largest.set(`${stage}/${partition}`, Math.max(...sizes));
      }
    }
    return largest;
  }

  function expectTailOnly(reports: readonly Recovered[], largest: ReadonlyMap<string, number>): void {
    for (const { task, records } of reports) {
      expect(records).toBeLessThanOrEqual(EPOCHS_IN_TAIL * (largest.get(task) ?? 0));
    }
  }

  it.each([1, 2] as const)(
    'keeps its local state and replays only the tail: %s executors',
    async (executors) => {
      await withDeadJob('leveldb', executors, async (job) => {
        const largest = await largestEpochs(job);
        await expectQuickRestart(job);
        const reports = await recovered(job);
        expect(reports.map(({ how }) => how)).toEqual(reports.map(() => 'tail'));
        for (const { task, records } of reports) {
          expect(records).toBeLessThanOrEqual(EPOCHS_IN_TAIL * (largest.get(task) ?? 0));
        }
        await expectExactOutput(job);
      });
    },
  );

  it.each([1, 2] as const)(
    'is as quick from the changelog when the state was in memory: %s executors',
    async (executors) => {
      await withDeadJob('heap', executors, async (job) => {
        await expectQuickRestart(job);
        expect((await recovered(job)).map(({ how }) => how)).not.toContain('tail');
        await expectExactOutput(job);
      });
    },
  );

  it('replays an epoch that was committed and not stored, also after a death in that replay', async () => {
    await withDeadJob('leveldb', 1, async (job) => {
      for (const fault of ['txn.end-answered:4', 'recovery.mid-replay:1']) {
        job.process.start({ fault });
        expect((await job.process.exited).signal).toBe('SIGKILL');
      }
      job.process.start();
      const reports = await recovered(job);
      expect(reports.map(({ how }) => how)).toEqual(reports.map(() => 'tail'));
      expectTailOnly(reports, await largestEpochs(job));
      expect(reports.some(({ records }) => records > 0)).toBe(true);
      await expectExactOutput(job);
    });
  });

  it('restores a deleted state folder from the changelog', async () => {
    await withDeadJob('leveldb', 1, async (job) => {
      await job.deleteState();
      job.process.start();
      const reports = await recovered(job);
      expect(reports.map(({ how }) => how)).toEqual(reports.map(() => 'rebuild'));
      const records = reports.reduce((sum, report) => sum + report.records, 0);
      expect(records).toBeGreaterThan(0);
      await expectExactOutput(job);
    });
  });
});
