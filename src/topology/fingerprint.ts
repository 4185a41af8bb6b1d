import { createHash } from 'node:crypto';
import type { Stage } from './stage';
import { inputId } from './stage-input';

const HEX_DIGITS = 16;

/**
 * 16 hex digits that change with what durable state and internal topics depend on: names of stages, inputs, shuffles
 * and stores. Sinks, code, and the order of declarations do not count.
 */
export function fingerprintOf(stages: readonly Stage[]): string {
  const durable = stages.map((stage) => ({
    stage: stage.name,
    inputs: stage.inputs.map(inputId).sort(),
    shuffles: stage.shuffles.map((node) => node.name).sort(),
    stores: stage.stores.map((store) => store.name).sort(),
  }));
  durable.sort((a, b) => (a.stage < b.stage ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(durable)).digest('hex').slice(0, HEX_DIGITS);
}
