export { BROKERS_VARIABLE } from './environment';
export { obtainKafka } from './obtain-kafka';
export {
  DEFAULT_KAFKA_VERSION,
  type BrokerNode,
  type KafkaHandle,
  type KafkaSource,
  type ObtainKafkaOptions,
  type StopOptions,
} from './types';
