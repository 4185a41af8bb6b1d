import { must } from '../util/asserts';

/** What the runtime must know of a topic that it writes to. */
export interface TopicFact {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: number;
  /** `max.message.bytes`: a larger record batch is refused by the broker. */
  readonly maxMessageBytes: number;
  /** The broker refuses records whose timestamp is further from its clock than this, milliseconds; null: it stamps itself. */
  readonly timestampBounds: { readonly beforeMs: number; readonly afterMs: number } | null;
  readonly deleteRetentionMs: number;
}

/** Facts of every topic that the job touches, read once at start. */
export class TopicFacts {
  private readonly facts: ReadonlyMap<string, TopicFact>;
  readonly clusterId: string;

  constructor(clusterId: string, facts: readonly TopicFact[]) {
    this.clusterId = clusterId;
    this.facts = new Map(facts.map((fact) => [fact.topic, fact]));
  }

  of(topic: string): TopicFact {
    return must(this.facts.get(topic), `facts of topic ${topic}`);
  }

  all(): readonly TopicFact[] {
    return [...this.facts.values()];
  }
}
