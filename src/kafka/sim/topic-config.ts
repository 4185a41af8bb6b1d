/** Kafka's defaults (4.x) of the topic settings that the model heeds or that clients look at. */
const TOPIC_DEFAULTS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'delete.retention.ms': '86400000',
  'file.delete.delay.ms': '60000',
  'max.compaction.lag.ms': '9223372036854775807',
  'max.message.bytes': '1048588',
  'message.timestamp.after.max.ms': '3600000',
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.type': 'CreateTime',
  'min.cleanable.dirty.ratio': '0.5',
  'min.compaction.lag.ms': '0',
  'min.insync.replicas': '1',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
  'segment.bytes': '1073741824',
  'segment.ms': '604800000',
  'unclean.leader.election.enable': 'false',
};

const NUMBERS = /^-?\d+(\.\d+)?$/;
const ONE_OF: Readonly<Record<string, readonly string[]>> = {
  'message.timestamp.type': ['CreateTime', 'LogAppendTime'],
  'unclean.leader.election.enable': ['true', 'false'],
  'compression.type': ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
};
const POLICIES = ['delete', 'compact'];

/** The settings of one topic, those of its own over the brokers' over Kafka's. */
export class TopicConfig {
  readonly entries: ReadonlyMap<string, string>;
  readonly compacted: boolean;
  readonly deletesOld: boolean;
  readonly logAppendTime: boolean;
  readonly maxMessageBytes: number;
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly deleteRetentionMs: number;
  readonly minInsyncReplicas: number;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;

  constructor(own: Readonly<Record<string, string>>, ofBrokers: Readonly<Record<string, string>>) {
    this.entries = new Map(Object.entries({ ...TOPIC_DEFAULTS, ...ofBrokers, ...own }));
    const number = (name: string): number => Number(this.entries.get(name));
    const policies = (this.entries.get('cleanup.policy') ?? '').split(',').map((policy) => policy.trim());
    this.compacted = policies.includes('compact');
    this.deletesOld = policies.includes('delete');
    this.logAppendTime = this.entries.get('message.timestamp.type') === 'LogAppendTime';
    this.maxMessageBytes = number('max.message.bytes');
    this.segmentBytes = number('segment.bytes');
    this.segmentMs = number('segment.ms');
    this.retentionMs = number('retention.ms');
    this.retentionBytes = number('retention.bytes');
    this.deleteRetentionMs = number('delete.retention.ms');
    this.minInsyncReplicas = number('min.insync.replicas');
    this.timestampBeforeMaxMs = number('message.timestamp.before.max.ms');
    this.timestampAfterMaxMs = number('message.timestamp.after.max.ms');
  }
}

/** Why a broker would refuse the settings; null when it would not. */
export function configProblem(own: Readonly<Record<string, string>>): string | null {
  for (const [name, value] of Object.entries(own)) {
    const standard = TOPIC_DEFAULTS[name];
    if (standard === undefined) return `Unknown topic config name: ${name}`;
    if (!isValid(name, value, standard)) return `Invalid value ${value} for configuration ${name}`;
  }
  return null;
}

function isValid(name: string, value: string, standard: string): boolean {
  if (name === 'cleanup.policy') return value.split(',').every((part) => POLICIES.includes(part.trim()));
  const allowed = ONE_OF[name];
  if (allowed !== undefined) return allowed.includes(value);
  return !NUMBERS.test(standard) || NUMBERS.test(value);
}

/** Broker settings under their names for brokers, which for some are not those for topics. */
const BROKER_NAMES: Readonly<Record<string, string>> = {
  'max.message.bytes': 'message.max.bytes',
  'message.timestamp.type': 'log.message.timestamp.type',
  'message.timestamp.before.max.ms': 'log.message.timestamp.before.max.ms',
  'message.timestamp.after.max.ms': 'log.message.timestamp.after.max.ms',
  'retention.ms': 'log.retention.ms',
  'retention.bytes': 'log.retention.bytes',
  'segment.bytes': 'log.segment.bytes',
  'segment.ms': 'log.roll.ms',
  'cleanup.policy': 'log.cleanup.policy',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'min.insync.replicas': 'min.insync.replicas',
  'unclean.leader.election.enable': 'unclean.leader.election.enable',
};

/** What the brokers' settings say for topics that do not say it themselves. */
export function topicDefaultsOf(broker: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(BROKER_NAMES).flatMap(([topicName, brokerName]) => {
      const value = broker[brokerName];
      return value === undefined ? [] : [[topicName, value]];
    }),
  );
}
