import { rmSync } from 'node:fs';
import type { Command } from 'commander';
import { localStoreFolders } from '../../config/paths';
import type { ResolvedConfig } from '../../config/resolved-config';
import { TidemarkError } from '../../errors';
import type { ClientContext } from '../../kafka/client/client-context';
import { deleteTopics } from '../../kafka/client/topic-admin';
import type { TopicPartition } from '../../kafka/port';
import { KafkaError } from '../../kafka/protocol/errors';
import { addConnectionFlags, configFromFlags, requireBrokers, type ConfigFlags } from '../config-flags';
import type { CliIo } from '../io';
import { committedOffsets, describeGroup } from '../kafka/group';
import { internalTopicsOf } from '../kafka/owned-topics';
import { ask, COMMAND_DEADLINE_MS, refuseUnknownApplication, withKafka } from '../kafka/session';
import {
  commitStartOffsets,
  forgetOffsets,
  startOffsets,
  type StartOffset,
  type StartPoint,
} from '../kafka/start-offsets';
import type { CommandContext } from '../services';

interface ResetFlags extends ConfigFlags {
  readonly toEarliest?: boolean;
  readonly toDatetime?: StartPoint;
  readonly yes?: boolean;
}

/** What a reset would do. */
interface ResetPlan {
  readonly internalTopics: readonly string[];
  /** Partitions with a committed offset; of input and of internal topics. */
  readonly committed: readonly TopicPartition[];
  /** Null: the group is forgotten, and each source starts where the job says. */
  readonly start: readonly StartOffset[] | null;
  /** Folders of local stores on this host. */
  readonly localState: readonly string[];
}

export function addResetCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('reset')
    .description('forget state, internal topics and offsets of an application, so that it starts anew')
    .argument('<application-id>')
    .option('--to-earliest', 'start from the first record of each input')
    .option('--to-datetime <time>', 'start from this time, e.g. 2030-01-31T08:00:00Z', parseDatetime)
    .option('--state-dir <dir>', 'folder of the local stores')
    .option('--yes', 'do not ask');
  addConnectionFlags(command).action((id: string, flags: ResetFlags) => reset(id, flags, context));
}

async function reset(applicationId: string, flags: ResetFlags, context: CommandContext): Promise<void> {
  const start = startPointOf(flags);
  const config = configFromFlags({ ...flags, applicationId }, context.io.env);
  requireBrokers(config);
  await withKafka(config.kafka, context, async (client) => {
    const plan = await planReset(client, config, start);
    if (isEmpty(plan)) return context.io.stdout.write(`application ${applicationId} has nothing to reset\n`);
    context.io.stdout.write(describePlan(applicationId, plan));
    await confirm(flags.yes === true, context.io);
    await refuseWhileRunning(client, applicationId);
    await carryOut(client, applicationId, plan);
    context.io.stdout.write(`application ${applicationId} is reset\n`);
  });
}

function startPointOf(flags: ResetFlags): StartPoint | null {
  if (flags.toEarliest !== true) return flags.toDatetime ?? null;
  if (flags.toDatetime === undefined) return { kind: 'earliest' };
  throw new TidemarkError('TM1007', 'usage', '--to-earliest and --to-datetime exclude each other', {
    hint: 'give one of them',
  });
}

function parseDatetime(text: string): StartPoint {
  const timestamp = /(Z|[+-]\d\d:?\d\d)$/i.test(text) ? Date.parse(text) : NaN;
  if (Number.isFinite(timestamp) && timestamp >= 0) return { kind: 'datetime', timestamp };
  throw new TidemarkError('TM1007', 'usage', `--to-datetime must be a time with its zone, and is '${text}'`, {
    hint: 'write it as 2030-01-31T08:00:00Z or 2030-01-31T09:00:00+01:00',
  });
}

async function planReset(
  client: ClientContext,
  config: ResolvedConfig,
  start: StartPoint | null,
): Promise<ResetPlan> {
  const { applicationId } = config;
  await refuseWhileRunning(client, applicationId);
  const all = await client.port.metadata(null);
  const internalTopics = internalTopicsOf(
    config.kafka.internalTopics.prefix,
    all.topics.map(({ topic }) => topic),
  );
  const committed = await committedOffsets(client, applicationId, true);
  const inputs = [...new Set(committed.map(({ topic }) => topic))].filter(
    (topic) => !internalTopics.includes(topic),
  );
  // Only the group knows which topics the job reads.
  if (start !== null && inputs.length === 0) refuseUnknownApplication(applicationId);
  return {
    internalTopics,
    committed,
    start: start === null ? null : await startOffsets(client, inputs, start),
    localState: localStoreFolders(config),
  };
}

async function refuseWhileRunning(client: ClientContext, applicationId: string): Promise<void> {
  const { members } = await describeGroup(client, applicationId);
  if (members.length === 0) return;
  const who = members.map((member) => `${member.instanceId ?? member.memberId} on ${member.host}`).join(', ');
  throw new TidemarkError('TM1013', 'usage', `application ${applicationId} is running`, {
    where: who,
    hint: 'stop all its instances first; one that was killed counts until its session time-out is over',
  });
}

function isEmpty(plan: ResetPlan): boolean {
  return plan.internalTopics.length === 0 && plan.committed.length === 0 && plan.localState.length === 0;
}

function describePlan(applicationId: string, plan: ResetPlan): string {
  const lines = [`reset of application ${applicationId}:`];
  for (const topic of plan.internalTopics) lines.push(`  delete topic ${topic}`);
  for (const folder of plan.localState) lines.push(`  delete folder ${folder}`);
  if (plan.start === null)
    lines.push(`  forget the offsets of group ${applicationId}; sources start where the job says`);
  for (const { topic, partition, offset } of plan.start ?? [])
    lines.push(`  start ${topic}-${partition} at offset ${offset}`);
  return `${lines.join('\n')}\n`;
}

/** @throws TidemarkError TM1011 when nobody can be asked, or the answer is not yes */
async function confirm(yes: boolean, io: CliIo): Promise<void> {
  if (yes) return;
  if (!io.interactive) {
    throw new TidemarkError('TM1011', 'usage', 'reset deletes state and nobody can be asked', {
      hint: 'pass --yes',
    });
  }
  const answer = await io.ask('This cannot be undone. Type yes to go on: ');
  if (answer.trim().toLowerCase() === 'yes') return;
  throw new TidemarkError('TM1011', 'usage', 'reset was not confirmed; nothing was changed');
}

/**
 * Offsets first: a reset that is interrupted after them leaves commit records that disagree with the group, which a
 * start refuses (TM4004). The other way round would leave a job with old offsets and no state.
 */
async function carryOut(client: ClientContext, groupId: string, plan: ResetPlan): Promise<void> {
  if (plan.start === null) await deleteGroup(client, groupId);
  else {
    await commitStartOffsets(client, groupId, plan.start);
    const inputs = new Set(plan.start.map(({ topic }) => topic));
    await forgetOffsets(
      client,
      groupId,
      plan.committed.filter(({ topic }) => !inputs.has(topic)),
    );
  }
  await deleteTopics(client.port, client.platform, plan.internalTopics, COMMAND_DEADLINE_MS);
  for (const folder of plan.localState) rmSync(folder, { recursive: true, force: true });
}

async function deleteGroup(client: ClientContext, groupId: string): Promise<void> {
  const request = {
    api: 'DeleteGroups',
    where: `group ${groupId}`,
    expected: [KafkaError.GROUP_ID_NOT_FOUND],
  };
  await ask(client, request, (port) => port.deleteGroup(groupId));
}
