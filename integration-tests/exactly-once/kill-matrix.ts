import type { FaultPoint } from '../../src/util/fault-points';
import type { ClicksVerdict, Judge } from '../judge/judge';
import type { JobExit } from '../support/job-process';
import { seededRandom } from '../support/seeded';
import { waitFor } from '../support/wait';
import { ClickFeed } from './click-feed';
import { findInconsistencies } from './consistency';
import { CountingJob, PARTITIONS, type CountingJobOptions } from './counting-job';
import { plansFor, type FaultPlan } from './fault-plan';

export interface KillMatrixCase extends Omit<CountingJobOptions, 'applicationId'> {
  readonly judge: Judge;
  readonly clicks: number;
  readonly users: number;
  /** Of the moments of the kills and of the times of the fault points. */
  readonly seed: number;
  readonly randomKills: number;
  /** Each is armed in a start of its own, or in two, after the random kills. */
  readonly faultPoints: readonly FaultPoint[];
}

/** One death of the job, in order. */
export interface Death {
  /** `random`, or the fault point with its count. */
  readonly at: string;
  readonly exit: JobExit;
  /** Clicks whose reading was committed when it died. */
  readonly clicksRead: number;
}

export interface KillMatrixResult {
  readonly deaths: readonly Death[];
  readonly lastExit: JobExit;
  readonly verdict: ClicksVerdict;
  /** What in Kafka does not fit together; see `consistency.ts`. */
  readonly inconsistencies: readonly string[];
  readonly seconds: number;
}

/** Random kills happen while this share of the clicks is all that there is, and before all of it is read. */
const FIRST_SHARE = 0.6;
const LAST_RANDOM_MOMENT = 0.7;
/** Slices of clicks beyond one for each fault point. */
const SPARE_SLICES = 2;
/** Up to so many milliseconds after the progress that was waited for: no kill should prefer a phase of the epoch. */
const JITTER_MS = 60;
/** Looks without progress, after which the job has nothing left to do. */
const CALM_LOOKS = 50;
const LIMITS = { limitMs: 60_000, everyMs: 10 };
const END_LIMIT_MS = 240_000;

let cases = 0;

/**
 * Runs a job over exactly `clicks` clicks, kills it at random moments of its progress and at fault points, lets it end,
 * and judges what it has written.
 * @throws Error when the job dies otherwise than it was killed, or does not get on
 */
export async function killMatrixCase(options: KillMatrixCase): Promise<KillMatrixResult> {
  const startedAt = Date.now();
  const job = await CountingJob.create({ ...options, applicationId: `kill-${process.pid}-${(cases += 1)}` });
  try {
    const { judge, clicks, users } = options;
    const slices = options.faultPoints.length + SPARE_SLICES;
    const feed = new ClickFeed({ judge, topic: job.input, clicks, users, firstShare: FIRST_SHARE, slices });
    await feed.begin();
    const random = seededRandom(options.seed);
    const deaths = await killAtRandom(job, feed, options.randomKills, random);
    for (const plan of options.faultPoints.flatMap((point) => plansFor(point, options, random))) {
      deaths.push(await dieAt(plan, { job, feed, options }));
    }
    await feed.finish();
    const lastExit = await runToEnd(job);
    const verdict = await judge.clicks(job.output, clicks, { input: job.input });
    const others = [job.output, job.controlTopic, '__consumer_offsets'];
    const inconsistencies = await findInconsistencies(judge, job.applicationId, job.stages, others);
    return {
      deaths,
      lastExit,
      verdict,
      inconsistencies,
      seconds: Math.round((Date.now() - startedAt) / 100) / 10,
    };
  } finally {
    await job.dispose();
  }
}

/** Kills at increasing shares of what is there to read, each in a start of its own that has got on at least a bit. */
async function killAtRandom(
  job: CountingJob,
  feed: ClickFeed,
  count: number,
  random: () => number,
): Promise<Death[]> {
  const moments = Array.from({ length: count }, () =>
    Math.floor(random() * LAST_RANDOM_MOMENT * feed.written),
  );
  moments.sort((a, b) => a - b);
  const deaths: Death[] = [];
  for (const moment of moments) {
    const least = Math.max(moment, (await job.clicksRead()) + 1);
    job.process.start({ settings: { 'execution.epoch.interval': random() < 0.5 ? '20ms' : '100ms' } });
    await waitWhileRunning(
      job,
      `${least} clicks read`,
      async () => (await job.clicksRead()) >= least || undefined,
    );
    await job.client.platform.scheduler.sleep(Math.floor(random() * JITTER_MS));
    const exit = await job.process.end('SIGKILL');
    deaths.push({ at: 'random', exit, clicksRead: await job.clicksRead() });
  }
  return deaths;
}

interface Scene {
  readonly job: CountingJob;
  readonly feed: ClickFeed;
  readonly options: KillMatrixCase;
}

async function dieAt(plan: FaultPlan, scene: Scene): Promise<Death> {
  const { job } = scene;
  if (plan.withoutState) await job.deleteState();
  job.process.start(plan.start);
  if (plan.provoke === 'nothing') await feedUntilDead(scene, plan);
  else await provokeUntilDead(scene, plan);
  const exit = await job.process.exited;
  if (exit.signal !== 'SIGKILL') {
    throw new Error(
      `the job ended with ${exit.code ?? exit.signal} before ${plan.start.fault}\n${job.process.lastWords()}`,
    );
  }
  return { at: plan.start.fault ?? plan.point, exit, clicksRead: await job.clicksRead() };
}

/** What makes the running job's epoch fail comes first, the clicks that it will try to commit after it. */
async function provokeUntilDead(scene: Scene, plan: FaultPlan): Promise<void> {
  const { job, feed, options } = scene;
  const tasks = job.stages.length * PARTITIONS;
  await waitWhileRunning(job, 'the recovery of all tasks', () =>
    Promise.resolve(job.process.logged('task recovered').length >= tasks || undefined),
  );
  if (plan.provoke === 'fencing') {
    await job.fenceFirstExecutor();
    return feedUntilDead(scene, plan);
  }
  const before = await job.progress();
  await feed.more();
  await waitWhileRunning(job, 'progress', async () => (await job.progress()) > before || undefined);
  // The fault point lies behind the next contact with a broker.
  await options.kafka.nodes[0]?.kill();
  await options.kafka.nodes[0]?.start();
  await waitForDeath(job, plan, () => Promise.resolve());
}

/** Gives the job more clicks whenever it has had nothing to do for a while, until it dies. */
async function feedUntilDead({ job, feed }: Scene, plan: FaultPlan): Promise<void> {
  let calm = 0;
  let last = -1;
  await waitForDeath(job, plan, async () => {
    const now = await job.progress();
    calm = now === last && job.process.logged('task recovered').length > 0 ? calm + 1 : 0;
    last = now;
    if (calm < CALM_LOOKS) return;
    if (feed.exhausted) throw new Error(`all clicks are counted, and ${plan.point} was not reached`);
    calm = 0;
    await feed.more();
  });
}

async function waitForDeath(
  job: CountingJob,
  plan: FaultPlan,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    if (!job.process.running) return true;
    await meanwhile();
    return undefined;
  };
  await withLastWords(job, waitFor(`a death at ${plan.start.fault}`, look, LIMITS));
}

async function runToEnd(job: CountingJob): Promise<JobExit> {
  job.process.start({ untilEnd: true });
  const ended = (): true | undefined => !job.process.running || undefined;
  await withLastWords(job, waitFor('the end of the job', ended, { limitMs: END_LIMIT_MS }));
  const exit = await job.process.exited;
  if (exit.code !== 0)
    throw new Error(`the job ended with ${exit.code ?? exit.signal}\n${job.process.lastWords()}`);
  return exit;
}

async function waitWhileRunning(
  job: CountingJob,
  what: string,
  ask: () => Promise<true | undefined>,
): Promise<void> {
  const check = (): Promise<true | undefined> => {
    if (!job.process.running) throw new Error(`the job ended before ${what}`);
    return ask();
  };
  await withLastWords(job, waitFor(what, check, LIMITS));
}

/** Adds the end of the job's log to an error. */
async function withLastWords(job: CountingJob, waiting: Promise<unknown>): Promise<void> {
  try {
    await waiting;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n${job.process.lastWords()}`, { cause: error });
  }
}
