export { createSimKafka, SimKafka, type SimConnectOptions, type SimKafkaOptions } from './sim-kafka';
export { SimPlatform, type SimPlatformOptions } from './sim-platform';
export { SimProcess } from './sim-process';
export {
  randomFaults,
  type FaultHook,
  type FaultRates,
  type SimApi,
  type SimCall,
  type SimFault,
} from './faults';
