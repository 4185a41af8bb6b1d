export { createSimKafka, type SimKafka } from './sim-kafka';
export type { SimProcess } from './sim-process';
export type { FaultRates } from './faults';
