import type { GroupIdentity, ProducerIdentity, TransactionVersion } from '../../../src/kafka/port';
import type { Bench } from '../../../src/kafka/testing/conformance/bench';
import { nameOf, OK, type ErrorName } from '../../../src/kafka/testing/conformance/errors';
import type { TestMember } from '../../../src/kafka/testing/conformance/member';
import { TestProducer, txnOffset } from '../../../src/kafka/testing/conformance/producer';
import type { TestTopic } from '../../../src/kafka/testing/conformance/topic';
import { ACTORS, PARTITIONS, type Claim, type Step } from './program';

const TRANSACTION_TIMEOUT_MS = 600_000;
const LONG_SESSION = { sessionTimeoutMs: 300_000, rebalanceTimeoutMs: 300_000 };
const NO_IDENTITY = 'no identity';

/** What is seen of a partition between two steps: log start, last stable offset, high watermark. */
export type Ends = readonly [start: number, lastStable: number, highWatermark: number];

/** What one program meets in one cluster: topic, producers, group. */
export class World {
  readonly #bench: Bench;
  readonly #version: TransactionVersion;
  readonly #topic: TestTopic;
  readonly #member: TestMember;
  readonly #ids: Readonly<Record<string, string>>;
  readonly #actors: (TestProducer | null)[] = ACTORS.map(() => null);
  /** Producer ids in the order in which they appeared: clusters give them different numbers. */
  readonly #producerIds: bigint[] = [];
  /** Sequence of the last batch that was sent, by actor and partition. */
  readonly #lastSequence = new Map<string, number>();

  private constructor(bench: Bench, version: TransactionVersion, topic: TestTopic) {
    this.#bench = bench;
    this.#version = version;
    this.#topic = topic;
    this.#member = bench.member(bench.name('group'));
    this.#ids = { shared: bench.name('shared'), alone: bench.name('alone') };
  }

  static async open(bench: Bench, version: TransactionVersion): Promise<World> {
    const world = new World(bench, version, await bench.topic(PARTITIONS));
    // Who asks first waits for coordinators that load; nothing of that belongs to the program.
    await bench.settled(() => bench.port.offsetFetch(world.#member.groupId, null, false));
    return world;
  }

  /** Takes a step. @returns what its answer says, in words that are the same in every cluster */
  async take(step: Step, index: number): Promise<string> {
    switch (step.kind) {
      case 'init':
        return this.#init(step.actor, step.how);
      case 'add':
        return this.#with(step.actor, (producer) => producer.add(this.#topic.at(step.partition)));
      case 'send':
        return this.#with(step.actor, (producer) => this.#send(producer, step, index));
      case 'addGroup':
        return this.#with(step.actor, (producer) => producer.addGroup(this.#member.groupId));
      case 'txnOffset':
        return this.#with(step.actor, (producer) =>
          producer.commitOffset(this.#claimed(step.claim), this.#topic.at(), index),
        );
      case 'end':
        return this.#with(step.actor, (producer) => this.#end(producer, step.commit));
      case 'plain': {
        const { error, offset } = await this.#topic.send(textsOf(step.records, index), {
          partition: step.partition,
        });
        return `${error} at ${offset}`;
      }
      case 'deleteRecords':
        return this.#deleteRecords(step.partition, step.share);
      case 'join':
        return this.#join();
      case 'leave':
        return this.#member.memberId === '' ? NO_IDENTITY : this.#member.leave();
      case 'heartbeat':
        return nameOf(await this.#bench.port.heartbeat(this.#claimed(step.claim)));
      case 'offsetCommit': {
        const offsets = [txnOffset(this.#topic.at(1), index)];
        return nameOf((await this.#bench.port.offsetCommit(this.#claimed(step.claim), offsets))[0]);
      }
      case 'offsetFetch':
        return 'see the group';
    }
  }

  async ends(): Promise<readonly Ends[]> {
    const all: Ends[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { start, lastStable, highWatermark } = await this.#topic.ends(partition);
      all.push([start, lastStable, highWatermark]);
    }
    return all;
  }

  /** The group's offsets, those that are in doubt by their error. */
  async offsets(): Promise<readonly string[]> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => this.#topic.at(partition));
    const answer = await this.#bench.port.offsetFetch(this.#member.groupId, partitions, true);
    const sorted = [...answer.offsets].sort((a, b) => a.partition - b.partition);
    return sorted.map((one) => (one.errorCode === 0 ? String(one.offset) : nameOf(one)));
  }

  /** Every record that our reader shows, by isolation and partition. */
  async records(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const isolation of ['read_committed', 'read_uncommitted'] as const) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const read = await this.#topic.read(isolation, partition);
        lines.push(
          ...read.map(({ offset, value }) => `${isolation} ${partition}@${offset} ${value?.toString()}`),
        );
      }
    }
    return lines;
  }

  async #with(actor: number, act: (producer: TestProducer) => Promise<string>): Promise<string> {
    const producer = this.#actors[actor];
    return producer == null ? NO_IDENTITY : act(producer);
  }

  async #init(actor: number, how: 'takeover' | 'own'): Promise<string> {
    const transactionalId = this.#ids[ACTORS[actor] ?? ''] ?? '';
    const current = how === 'own' ? (this.#actors[actor]?.identity ?? null) : null;
    const request = { transactionalId, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS, current };
    const answer = await this.#bench.settled(
      () => this.#bench.port.initProducerId(request),
      ['CONCURRENT_TRANSACTIONS'],
    );
    if (nameOf(answer) !== OK) return nameOf(answer);
    const { producerId, producerEpoch } = answer;
    const txn = { transactionalId, producerId, producerEpoch, transactionVersion: this.#version };
    this.#actors[actor] = new TestProducer(this.#bench, txn);
    for (const key of this.#lastSequence.keys())
      if (key.startsWith(`${actor} `)) this.#lastSequence.delete(key);
    return this.#identity(answer);
  }

  #identity({ producerId, producerEpoch }: ProducerIdentity): string {
    if (!this.#producerIds.includes(producerId)) this.#producerIds.push(producerId);
    return `producer ${this.#producerIds.indexOf(producerId)} epoch ${producerEpoch}`;
  }

  async #send(producer: TestProducer, step: Extract<Step, { kind: 'send' }>, index: number): Promise<string> {
    const { partition, records, sequence } = step;
    const key = `${step.actor} ${partition}`;
    const last = this.#lastSequence.get(key);
    const baseSequence = sequence === 'gap' ? (last ?? 0) + 1000 : last;
    const chosen = sequence === 'next' || baseSequence === undefined ? {} : { baseSequence };
    const before = producer.sequenceOf(this.#topic.at(partition));
    const { error, offset } = await producer.send(this.#topic, textsOf(records, index), {
      partition,
      ...chosen,
    });
    if (error === OK && sequence === 'next') this.#lastSequence.set(key, before);
    return `${error} at ${offset}`;
  }

  async #end(producer: TestProducer, commit: boolean): Promise<string> {
    const name = await producer.end(commit);
    return name === OK ? `${name}, ${this.#identity(producer.identity)}` : name;
  }

  async #deleteRecords(partition: number, share: number): Promise<ErrorName> {
    const { start, highWatermark } = await this.#topic.ends(partition);
    const offset = BigInt(start + Math.floor(((highWatermark - start) * share) / 100));
    const leader = await this.#topic.leader(partition);
    const [answer] = await this.#bench.port.deleteRecords([{ ...this.#topic.at(partition), offset }], leader);
    return nameOf(answer);
  }

  async #join(): Promise<string> {
    const joined = await this.#member.join(LONG_SESSION);
    if (nameOf(joined) !== OK) {
      this.#member.memberId = '';
      return nameOf(joined);
    }
    const { error } = await this.#member.sync({ [this.#member.memberId]: 'all' });
    return `generation ${joined.generationId}, ${error}`;
  }

  #claimed(claim: Claim): GroupIdentity {
    const { identity } = this.#member;
    if (claim === 'current') return identity;
    if (claim === 'stale') return { ...identity, generationId: identity.generationId - 1 };
    if (claim === 'unknown member') return { ...identity, memberId: 'nobody' };
    return { ...identity, generationId: -1, memberId: '' };
  }
}

function textsOf(count: number, index: number): string[] {
  return Array.from({ length: count }, (_, i) => `${index}.${i}`);
}
