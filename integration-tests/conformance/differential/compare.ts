import { isDeepStrictEqual } from 'node:util';
import type { TransactionVersion } from '../../../src/kafka/port';
import { Bench } from '../../../src/kafka/testing/conformance/bench';
import { simCluster } from '../../../src/kafka/testing/conformance/sim-cluster';
import type { Step } from './program';
import { World, type Ends } from './world';

/** Markers, and what a coordinator does behind an answer, are over by then. */
const MODEL_SETTLES_MS = 200;
const LIMIT_MS = 10_000;

interface Afterwards {
  readonly ends: readonly Ends[];
  readonly offsets: readonly string[];
}

interface Expected {
  readonly steps: readonly { readonly answer: string; readonly afterwards: Afterwards }[];
  readonly records: readonly string[];
}

export interface Versions {
  /** What the clusters offer. */
  readonly offered: TransactionVersion;
  /** What the producers of the program speak. */
  readonly spoken: TransactionVersion;
}

/**
 * Takes the same steps in the model and then on real brokers. Answers must be the same at once; what follows an answer
 * (markers, and with them the last stable offset and pending group offsets) must become the same.
 * @returns the first difference, in words; null when there is none
 */
export async function firstDifference(
  program: readonly Step[],
  real: Bench,
  versions: Versions,
): Promise<string | null> {
  const expected = await inTheModel(program, versions);
  const world = await World.open(real, versions.spoken);
  for (const [index, step] of program.entries()) {
    const { answer, afterwards } = expected.steps[index]!;
    const observed = await world.take(step, index);
    const difference =
      observed === answer
        ? await differenceAfterwards(afterwards, world, real)
        : `model "${answer}", brokers "${observed}"`;
    if (difference !== null) return `step ${index} ${JSON.stringify(step)}: ${difference}`;
  }
  const records = await world.records();
  if (isDeepStrictEqual(records, expected.records)) return null;
  return `records: model ${expected.records.join()}, brokers ${records.join()}`;
}

/** A model of its own: its time must not go on while real brokers are waited for. */
async function inTheModel(program: readonly Step[], { offered, spoken }: Versions): Promise<Expected> {
  const bench = new Bench(simCluster(offered), 1, offered);
  await bench.open();
  try {
    const world = await World.open(bench, spoken);
    const steps: Expected['steps'][number][] = [];
    for (const [index, step] of program.entries()) {
      const answer = await world.take(step, index);
      await bench.sleep(MODEL_SETTLES_MS);
      steps.push({ answer, afterwards: await lookAt(world) });
    }
    return { steps, records: await world.records() };
  } finally {
    await bench.close();
  }
}

async function lookAt(world: World): Promise<Afterwards> {
  return { ends: await world.ends(), offsets: await world.offsets() };
}

async function differenceAfterwards(expected: Afterwards, world: World, real: Bench): Promise<string | null> {
  let last = await lookAt(world);
  const isSame = async (): Promise<true | undefined> => {
    if (isDeepStrictEqual(last, expected)) return true;
    last = await lookAt(world);
    return undefined;
  };
  return real.eventually('the same', isSame, LIMIT_MS).then(
    () => null,
    () => `afterwards model ${JSON.stringify(expected)}, brokers ${JSON.stringify(last)}`,
  );
}
