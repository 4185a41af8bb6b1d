import type { Command } from 'commander';
import type { ClientContext } from '../../kafka/client/client-context';
import { endOffsets } from '../../kafka/client/offsets';
import { describeTopics } from '../../kafka/client/topic-admin';
import { tpKey, type TopicPartition } from '../../kafka/port';
import { addConnectionFlags, configFromFlags, requireBrokers, type ConfigFlags } from '../config-flags';
import { committedOffsets, describeGroup, ownersByPartition, type ApplicationGroup } from '../kafka/group';
import { COMMAND_DEADLINE_MS, refuseUnknownApplication, withKafka } from '../kafka/session';
import type { CommandContext } from '../services';
import { formatJson, formatTable, type Column } from '../table';

/** One input partition: a task reads it, and its offset is committed with the task's epochs. */
interface PartitionStatus extends TopicPartition {
  /** Instance id, or member id of a member without one; null when nobody works on it. */
  readonly owner: string | null;
  readonly committed: bigint | null;
  /** Offset behind the last committed record; null when the topic is gone. */
  readonly end: bigint | null;
  readonly lag: bigint | null;
}

interface ApplicationStatus {
  readonly applicationId: string;
  readonly state: string;
  readonly instances: readonly {
    readonly instance: string;
    readonly host: string;
    readonly clientId: string;
    readonly partitions: number;
  }[];
  readonly partitions: readonly PartitionStatus[];
  /** Null when the end of a partition is not known. */
  readonly lag: bigint | null;
}

interface StatusFlags extends ConfigFlags {
  readonly json?: boolean;
}

export function addStatusCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .description('members, committed offsets and lag of an application, as Kafka knows them')
    .argument('<application-id>')
    .option('--json', 'print JSON');
  addConnectionFlags(command).action((id: string, flags: StatusFlags) => printStatus(id, flags, context));
}

async function printStatus(
  applicationId: string,
  flags: StatusFlags,
  context: CommandContext,
): Promise<void> {
  const config = configFromFlags({ ...flags, applicationId }, context.io.env);
  requireBrokers(config);
  const status = await withKafka(config.kafka, context, (client) => readStatus(client, applicationId));
  context.io.stdout.write(`${flags.json === true ? formatJson(status) : render(status)}\n`);
}

/** @throws TidemarkError TM1014 when there is neither a member nor a committed offset */
async function readStatus(client: ClientContext, applicationId: string): Promise<ApplicationStatus> {
  const group = await describeGroup(client, applicationId);
  const committed = await committedOffsets(client, applicationId, false);
  if (group.members.length === 0 && committed.length === 0) refuseUnknownApplication(applicationId);
  const offsets = new Map(committed.map(({ topic, partition, offset }) => [tpKey(topic, partition), offset]));
  const inputs = uniquePartitions([...committed, ...group.members.flatMap((member) => member.partitions)]);
  const ends = await knownEnds(client, inputs);
  const owners = ownersByPartition(group);
  const partitions = inputs.map(({ topic, partition }): PartitionStatus => {
    const key = tpKey(topic, partition);
    const owner = owners.get(key);
    const at = offsets.get(key) ?? null;
    const end = ends.get(key) ?? null;
    const lag = at === null || end === null ? null : end > at ? end - at : 0n;
    return { topic, partition, owner: owner === undefined ? null : nameOf(owner), committed: at, end, lag };
  });
  return {
    applicationId,
    state: group.state,
    instances: instancesOf(group),
    partitions,
    lag: totalLag(partitions),
  };
}

async function knownEnds(
  client: ClientContext,
  inputs: readonly TopicPartition[],
): Promise<Map<string, bigint>> {
  const topics = await describeTopics(client.port, [...new Set(inputs.map(({ topic }) => topic))]);
  const existing = inputs.filter(({ topic, partition }) =>
    topics.get(topic)?.partitions.some((known) => known.partition === partition),
  );
  const ends = await endOffsets(client, existing, 'read_committed', COMMAND_DEADLINE_MS);
  return new Map([...ends].map(([key, offset]) => [key, BigInt(offset)]));
}

function uniquePartitions(partitions: readonly TopicPartition[]): TopicPartition[] {
  const byKey = new Map(
    partitions.map(({ topic, partition }) => [tpKey(topic, partition), { topic, partition }]),
  );
  return [...byKey.values()].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
}

function instancesOf(group: ApplicationGroup): ApplicationStatus['instances'] {
  return group.members.map((member) => ({
    instance: nameOf(member),
    host: member.host,
    clientId: member.clientId,
    partitions: member.partitions.length,
  }));
}

function nameOf(member: { readonly instanceId: string | null; readonly memberId: string }): string {
  return member.instanceId ?? member.memberId;
}

function totalLag(partitions: readonly PartitionStatus[]): bigint | null {
  let total = 0n;
  for (const { lag } of partitions) {
    if (lag === null) return null;
    total += lag;
  }
  return total;
}

const COLUMNS: readonly Column<PartitionStatus>[] = [
  { title: 'TOPIC', cell: (row) => row.topic },
  { title: 'PARTITION', align: 'right', cell: (row) => String(row.partition) },
  { title: 'COMMITTED', align: 'right', cell: (row) => orDash(row.committed) },
  { title: 'END', align: 'right', cell: (row) => orDash(row.end) },
  { title: 'LAG', align: 'right', cell: (row) => orDash(row.lag) },
  { title: 'INSTANCE', cell: (row) => row.owner ?? '-' },
];

const INSTANCE_COLUMNS: readonly Column<ApplicationStatus['instances'][number]>[] = [
  { title: 'INSTANCE', cell: (row) => row.instance },
  { title: 'HOST', cell: (row) => row.host },
  { title: 'CLIENT', cell: (row) => row.clientId },
  { title: 'PARTITIONS', align: 'right', cell: (row) => String(row.partitions) },
];

function render(status: ApplicationStatus): string {
  const head = `application ${status.applicationId}: ${status.state}, lag ${orDash(status.lag)}`;
  const instances =
    status.instances.length === 0
      ? 'no instance is running'
      : formatTable(INSTANCE_COLUMNS, status.instances);
  return [head, instances, formatTable(COLUMNS, status.partitions)].join('\n\n');
}

function orDash(value: bigint | null): string {
  return value === null ? '-' : String(value);
}
