import { createSimKafka, type FaultRates, type SimKafka } from '../kafka/sim';
import type { TransactionVersion } from '../kafka/port';
import { FAULT_POINTS } from '../util/fault-points';
import { SimJudge, startExecutor, type SimExecutor } from './testing/sim-job';

interface Scenario {
  readonly seed: number;
  readonly brokers: number;
  readonly transactionVersion: TransactionVersion;
  readonly cycles: number;
  readonly rates?: FaultRates;
  readonly restartBrokers?: boolean;
  readonly settings?: readonly string[];
}

const PARTITIONS = 3;
const SETTINGS = [
  'restart-strategy.type=exponential-delay',
  'kafka.session-timeout=6s',
  'kafka.transaction-timeout=10s',
];

/** Feeds, lets the executor run for a while, and kills it: at a fault point or anywhere. */
async function crashes(scenario: Scenario) {
  const kafka = createSimKafka(scenario);
  try {
    return await runOn(kafka, scenario);
  } finally {
    await kafka.close();
  }
}

async function runOn(kafka: SimKafka, scenario: Scenario) {
  const { random, scheduler } = kafka.platform;
  const judge = await SimJudge.open(kafka, PARTITIONS);
  let deaths = 0;
  kafka.setFaults(null);
  const faulty = (on: boolean): void => (on ? withRates(kafka, scenario.rates) : kafka.setFaults(null));
  for (let cycle = 0; cycle < scenario.cycles; cycle++) {
    faulty(false);
    await judge.feed(20 + random.below(40));
    faulty(true);
    const executor = start(random.chance(0.5));
    if (scenario.restartBrokers === true && random.chance(0.5)) void bounce(kafka);
    await scheduler.sleep(random.between(20, 3_000));
    executor.kill();
    deaths++;
  }
  faulty(false);
  const last = startExecutor(kafka, { settings: SETTINGS });
  const counts = await judge.settled();
  const expected = await judge.expected();
  const { ended } = last;
  last.stop();
  await Promise.race([last.finished.catch(() => undefined), scheduler.sleep(60_000)]);
  const events = kafka.platform.eventCount;
  const time = kafka.platform.clock.monotonic();
  return { counts, expected, ended, deaths, events, time };

  function start(atPoint: boolean): SimExecutor {
    const point = FAULT_POINTS[random.below(FAULT_POINTS.length)];
    let left = 1 + random.below(4);
    return startExecutor(kafka, {
      settings: SETTINGS,
      onPoint: (reached, process) => {
        if (atPoint && reached === point && --left === 0) process.kill();
      },
    });
  }
}

/** Faults hit the job's clients only: the judge's own feed must be exact. */
function withRates(kafka: SimKafka, rates: FaultRates | undefined): void {
  if (rates === undefined) return kafka.setFaults(null);
  kafka.setFaultRates(rates);
}

async function bounce(kafka: SimKafka): Promise<void> {
  const node = 1 + kafka.platform.random.below(kafka.brokers);
  if (kafka.platform.random.chance(0.5)) kafka.killBroker(node);
  else kafka.stopBroker(node);
  await kafka.startBroker(node);
}

const rates = { requestLost: 0.01, answerLost: 0.01, delayRequest: 0.02, delayAnswer: 0.02, error: 0.02 };
const FROM = Number(process.env['FROM'] ?? 1);
const SEEDS = Array.from({ length: Number(process.env['SEEDS'] ?? 3) }, (_, i) => FROM + i);

it.each(SEEDS)(
  'one broker, seed %d',
  async (seed) => {
    const { counts, expected, ended, events, time } = await crashes({
      seed,
      brokers: 1,
      transactionVersion: seed % 2 === 0 ? 2 : 1,
      cycles: 5,
      rates,
    });
    process.stderr.write(`${seed}: ${events} events, ${Math.round(time)} ms\n`);
    expect(ended).toBeNull();
    expect(counts).toEqual(expected);
  },
  60_000,
);

it.each(SEEDS)(
  'three brokers, seed %d',
  async (seed) => {
    const { counts, expected, ended, events, time } = await crashes({
      seed,
      brokers: 3,
      transactionVersion: seed % 2 === 0 ? 2 : 1,
      cycles: 5,
      rates,
      restartBrokers: true,
    });
    process.stderr.write(`${seed}: ${events} events, ${Math.round(time)} ms\n`);
    expect(ended).toBeNull();
    expect(counts).toEqual(expected);
  },
  60_000,
);
