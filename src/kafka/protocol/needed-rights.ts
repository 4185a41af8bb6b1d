import { KafkaError } from './errors';

/** The operation that an API needs on a topic (Kafka documentation, "Operations and Resources on Protocols"). */
const ON_TOPICS: Readonly<Record<string, string>> = {
  Metadata: 'Describe (Read and Write include it)',
  ListOffsets: 'Describe (Read and Write include it)',
  OffsetFetch: 'Describe (Read and Write include it)',
  Fetch: 'Read',
  TxnOffsetCommit: 'Read',
  OffsetCommit: 'Read',
  OffsetDelete: 'Read',
  Produce: 'Write',
  AddPartitionsToTxn: 'Write',
  DescribeConfigs: 'DescribeConfigs',
  CreateTopics: 'Create',
  DeleteTopics: 'Delete',
  DeleteRecords: 'Delete',
};

const ON_GROUPS: Readonly<Record<string, string>> = {
  FindCoordinator: 'Describe (Read includes it)',
  OffsetFetch: 'Describe (Read includes it)',
  DescribeGroups: 'Describe (Read includes it)',
  DeleteGroups: 'Delete',
  OffsetDelete: 'Delete',
};

const ON_TRANSACTIONAL_IDS: Readonly<Record<string, string>> = {
  FindCoordinator: 'Describe (Write includes it)',
};

const ON_THE_CLUSTER: Readonly<Record<string, string>> = {
  InitProducerId: 'IdempotentWrite (Write on any topic includes it)',
};

/**
 * The right that was missing when a request was answered with an authorization error: operation and kind of resource.
 * Null for any other error code.
 */
export function neededRight(api: string, errorCode: number): string | null {
  switch (errorCode) {
    case KafkaError.TOPIC_AUTHORIZATION_FAILED:
      return `${ON_TOPICS[api] ?? 'Describe'} on the topic`;
    case KafkaError.GROUP_AUTHORIZATION_FAILED:
      return `${ON_GROUPS[api] ?? 'Read'} on the consumer group`;
    case KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return `${ON_TRANSACTIONAL_IDS[api] ?? 'Write'} on the transactional id`;
    case KafkaError.CLUSTER_AUTHORIZATION_FAILED:
      return `${ON_THE_CLUSTER[api] ?? 'ClusterAction'} on the cluster`;
    default:
      return null;
  }
}
