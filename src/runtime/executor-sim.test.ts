import type { TransactionVersion } from '../kafka/port';
import { createSimKafka, type FaultRates, type SimKafka } from '../kafka/sim';
import { FAULT_POINTS } from '../util/fault-points';
import { SimJudge, startExecutor, type SimExecutor } from './testing/sim-job';

const PARTITIONS = 3;
const SETTINGS = ['kafka.session-timeout=6s', 'kafka.transaction-timeout=10s'];
const RATES = {
  requestLost: 0.01,
  answerLost: 0.01,
  delayRequest: 0.02,
  delayAnswer: 0.02,
  error: 0.02,
  leaderMove: 0.01,
  brokerRestart: 0.003,
};

/** `TIDEMARK_SIM_SEEDS=<first>:<count>` runs others, and more of them. */
const [first = 1, count = 3] = (process.env['TIDEMARK_SIM_SEEDS'] ?? '')
  .split(':')
  .filter(Boolean)
  .map(Number);
const SEEDS = Array.from({ length: count }, (_, i) => first + i);

interface Scenario {
  readonly seed: number;
  readonly brokers: number;
  readonly transactionVersion: TransactionVersion;
  readonly rates: FaultRates;
  /** Processes that run at once, each with an instance id of its own. */
  readonly instances: number;
}

interface Outcome {
  readonly counts: ReadonlyMap<string, readonly number[]>;
  readonly expected: ReadonlyMap<string, readonly number[]>;
  /** Of the executors that nobody killed: how they ended before they were told to. */
  readonly ended: readonly unknown[];
  readonly deaths: number;
  /** Of the whole run, to compare two. */
  readonly trace: string;
}

async function crashAndRestart(scenario: Scenario): Promise<Outcome> {
  const kafka = createSimKafka(scenario);
  try {
    return await run(kafka, scenario);
  } finally {
    await kafka.close();
  }
}

/** Feeds, lets executors run for a while, kills or stops them, at a fault point or anywhere; in the end, all calm. */
async function run(kafka: SimKafka, { rates, instances }: Scenario): Promise<Outcome> {
  const { random, scheduler, clock } = kafka.platform;
  const judge = await SimJudge.open(kafka, PARTITIONS);
  const names = Array.from({ length: instances }, (_, i) => `i${i}`);
  let deaths = 0;
  for (let cycle = 0; cycle < 5; cycle++) {
    kafka.setFaults(null);
    await judge.feed(20 + random.below(40));
    kafka.setFaultRates(rates);
    const executors = names.map((name) => start(kafka, name));
    await scheduler.sleep(random.between(20, instances * 3_000));
    for (const executor of executors) {
      if (random.chance(0.3)) await freeze(kafka, executor);
      executor.kill();
      deaths++;
    }
  }
  kafka.setFaults(null);
  const last = names.map((instanceId) => startExecutor(kafka, { instanceId, settings: SETTINGS }));
  const counts = await judge.settled();
  const ended = last.map((executor) => executor.ended).filter((end) => end !== null);
  const expected = await judge.expected();
  return { counts, expected, ended, deaths, trace: `${clock.monotonic()} ${kafka.platform.eventCount}` };
}

function start(kafka: SimKafka, instanceId: string): SimExecutor {
  const { random } = kafka.platform;
  const point = FAULT_POINTS[random.below(FAULT_POINTS.length)];
  let left = random.chance(0.5) ? 1 + random.below(4) : Infinity;
  return startExecutor(kafka, {
    ...{ instanceId, settings: SETTINGS },
    onPoint: (reached, process) => {
      if (reached === point && --left === 0) process.kill();
    },
  });
}

/** SIGSTOP for longer than the session, and SIGCONT: it wakes as a zombie. */
async function freeze({ platform }: SimKafka, { process }: SimExecutor): Promise<void> {
  process.freeze();
  await platform.scheduler.sleep(platform.random.between(100, 9_000));
  process.thaw();
  await platform.scheduler.sleep(platform.random.between(5, 500));
}

function scenarioOf(seed: number, brokers: number, instances = 1): Scenario {
  return { seed, brokers, instances, transactionVersion: seed % 2 === 0 ? 2 : 1, rates: RATES };
}

/** The counts of each user are 1, 2, 3 …, each once and in order, as many as there are clicks of his. */
async function expectExact(scenario: Scenario): Promise<void> {
  const { counts, expected, ended, deaths } = await crashAndRestart(scenario);
  expect(ended).toEqual([]);
  expect(deaths).toBe(5 * scenario.instances);
  expect(counts).toEqual(expected);
}

jest.setTimeout(60_000);

describe('an executor that crashes and restarts counts every click once', () => {
  it.each(SEEDS)('on one broker, seed %d', (seed) => expectExact(scenarioOf(seed, 1)));
  it.each(SEEDS)('on three brokers, seed %d', (seed) => expectExact(scenarioOf(seed, 3)));
});

describe('two instances that crash, stand still and restart', () => {
  it.each(SEEDS)('on three brokers, seed %d', (seed) => expectExact(scenarioOf(seed, 3, 2)));
});

it('one seed is one run', async () => {
  const [a, b] = [await crashAndRestart(scenarioOf(11, 3)), await crashAndRestart(scenarioOf(11, 3))];
  expect(b.trace).toBe(a.trace);
  expect(b.counts).toEqual(a.counts);
});
