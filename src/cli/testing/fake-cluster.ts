import { encodeAssignment } from '../../kafka/client/consumer-protocol';
import { EARLIEST, LATEST, type KafkaPort, type TopicPartition } from '../../kafka/port';

interface FakePartition {
  readonly earliest: bigint;
  readonly end: bigint;
  /** Offset of the first record at or after any time; -1 when there is none. */
  readonly atTime: bigint;
}

interface FakeMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly partitions: readonly TopicPartition[];
}

/** One broker and one consumer group in memory, as far as the administrative commands use them. */
export class FakeCluster {
  readonly topics = new Map<string, readonly FakePartition[]>();
  readonly offsets = new Map<string, TopicPartition & { offset: bigint }>();
  members: readonly FakeMember[] = [];
  groupExists = true;
  /** Calls that change something, in order. */
  readonly changes: string[] = [];
  closed = 0;
  /** Error codes to answer before anything else, by API. */
  readonly failures = new Map<string, number[]>();

  addTopic(topic: string, ...partitions: readonly Partial<FakePartition>[]): void {
    this.topics.set(
      topic,
      partitions.map((partition) => ({ earliest: 0n, end: 0n, atTime: -1n, ...partition })),
    );
  }

  commit(topic: string, partition: number, offset: bigint): void {
    this.offsets.set(`${topic}-${partition}`, { topic, partition, offset });
  }

  port(): KafkaPort {
    const port: Partial<KafkaPort> = {
      metadata: (topics) => Promise.resolve(this.metadata(topics)),
      listOffsets: (_node, _isolation, queries) =>
        Promise.resolve(
          queries.map(({ topic, partition, timestamp }) => {
            const log = this.topics.get(topic)?.[partition] ?? { earliest: 0n, end: 0n, atTime: -1n };
            const offset =
              timestamp === EARLIEST ? log.earliest : timestamp === LATEST ? log.end : log.atTime;
            return { topic, partition, offset, errorCode: 0, timestamp: -1n, leaderEpoch: 1 };
          }),
        ),
      describeGroup: (groupId) => Promise.resolve(this.describe(groupId)),
      offsetFetch: () => {
        const errorCode = this.failures.get('offsetFetch')?.shift() ?? 0;
        const offsets = [...this.offsets.values()].map((one) => ({ ...one, errorCode: 0, metadata: null }));
        return Promise.resolve({ errorCode, offsets });
      },
      offsetCommit: (group, offsets) => {
        this.changes.push(
          `commit ${group.generationId} ${offsets.map((o) => `${o.topic}-${o.partition}@${o.offset}`).join(' ')}`,
        );
        return Promise.resolve(offsets.map(({ topic, partition }) => ({ topic, partition, errorCode: 0 })));
      },
      deleteOffsets: (_group, partitions) => {
        this.changes.push(
          `forget ${partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ')}`,
        );
        return Promise.resolve({ errorCode: 0 });
      },
      deleteGroup: () => {
        this.changes.push('delete group');
        return Promise.resolve({ errorCode: this.groupExists ? 0 : 69 });
      },
      deleteTopics: (topics) => {
        this.changes.push(`delete ${topics.join(' ')}`);
        for (const topic of topics) this.topics.delete(topic);
        return Promise.resolve(topics.map((topic) => ({ topic, errorCode: 0, errorMessage: null })));
      },
      close: () => {
        this.closed++;
        return Promise.resolve();
      },
    };
    return port as KafkaPort;
  }

  private metadata(topics: readonly string[] | null): Awaited<ReturnType<KafkaPort['metadata']>> {
    const names = topics ?? [...this.topics.keys()];
    return {
      clusterId: 'c',
      controllerId: 1,
      brokers: [{ nodeId: 1, host: 'h', port: 1 }],
      topics: names.map((topic) => ({
        topic,
        topicId: topic,
        errorCode: this.topics.has(topic) ? 0 : 3,
        isInternal: false,
        partitions: (this.topics.get(topic) ?? []).map((_, partition) => ({
          partition,
          errorCode: 0,
          leader: 1,
          leaderEpoch: 1,
          replicas: [1],
          isr: [1],
        })),
      })),
    };
  }

  private describe(groupId: string): Awaited<ReturnType<KafkaPort['describeGroup']>> {
    if (!this.groupExists) return { groupId, errorCode: 69, state: '', members: [] };
    const members = this.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: 'client',
      clientHost: '/10.0.0.1',
      assignment: encodeAssignment({ partitions: member.partitions, userData: Buffer.alloc(0) }),
    }));
    return { groupId, errorCode: 0, state: members.length === 0 ? 'Empty' : 'Stable', members };
  }
}
