import { containerEnvironment, variableOf } from './container-environment';

it('names a variable as the image does', () => {
  expect(variableOf('offsets.topic.num.partitions')).toBe('KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS');
  expect(variableOf('a_b.c-d')).toBe('KAFKA_A__B_C___D');
});

it('gives clients the outer address and brokers the one of their network', () => {
  const settings = { id: 2, brokers: 3, address: 'localhost:25000', heapMiB: 700 };
  const environment = containerEnvironment({ ...settings, serverProperties: { 'min.insync.replicas': '3' } });
  expect(environment).toMatchObject({
    KAFKA_NODE_ID: '2',
    KAFKA_ADVERTISED_LISTENERS: 'CLIENT://localhost:25000,BROKER://kafka-2:19092',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093',
    KAFKA_DEFAULT_REPLICATION_FACTOR: '3',
    KAFKA_MIN_INSYNC_REPLICAS: '3',
    KAFKA_HEAP_OPTS: '-Xmx700m',
  });
  expect(Buffer.from(environment['CLUSTER_ID'] ?? '', 'base64url')).toHaveLength(16);
});
