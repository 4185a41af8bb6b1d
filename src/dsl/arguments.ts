import type { Serde } from '../serde/serde';
import type { BadInputPolicy, StartFrom } from '../topology/graph';
import { badDefinition, checkTopic } from '../topology/names';
import type { BadInput } from './env';

/** Checks for jobs in JavaScript, and for what types cannot say. All throw TM1004 and name the call. */

/** The function; refused when async, because its promise would be taken for the value. */
export function checkFunction<F>(call: string, fn: F, where?: string): F {
  const tag = Object.prototype.toString.call(fn);
  if (typeof fn !== 'function') throw badDefinition(`${call} needs a function`, 'pass one', where);
  if (tag === '[object AsyncFunction]' || tag === '[object AsyncGeneratorFunction]') {
    throw badDefinition(
      `${call} was given an async function`,
      'operators are synchronous: nothing waits for a promise',
      where,
    );
  }
  return fn;
}

export function checkSerde<T>(call: string, serde: Serde<T>, where?: string): Serde<T> {
  if (typeof serde?.read === 'function' && typeof serde.write === 'function') return serde;
  throw badDefinition(
    `${call} was given something that is no serde`,
    'use json(), string(), number(), bytes() or serde()',
    where,
  );
}

export function checkStartFrom(topic: string, startFrom: StartFrom | undefined): StartFrom {
  if (startFrom === undefined) return 'earliest';
  if (startFrom === 'earliest' || startFrom === 'latest') return startFrom;
  throw badDefinition(
    `source('${topic}'): startFrom is '${String(startFrom)}'`,
    "use 'earliest' or 'latest'",
  );
}

export function checkBadInput(topic: string, badInput: BadInput | undefined): BadInputPolicy | undefined {
  if (badInput === undefined) return undefined;
  if (badInput === 'fail' || badInput === 'skip') return Object.freeze({ kind: badInput });
  if (typeof badInput === 'object' && badInput !== null) {
    const deadLetter = checkTopic(`source('${topic}'): badInput`, badInput.deadLetter);
    return Object.freeze({ kind: 'dead-letter', topic: deadLetter });
  }
  throw badDefinition(
    `source('${topic}'): badInput is '${String(badInput)}'`,
    "use 'fail', 'skip' or { deadLetter: topic }",
  );
}
