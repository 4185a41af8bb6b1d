import { TidemarkError } from '../errors';
import { formatBytes, formatDuration } from './quantities';
import type { OptionKey, OptionValues } from './options';

/** A pair of options that cannot both hold. `problem` answers what is wrong, undefined when nothing is. */
interface Rule {
  readonly keys: readonly OptionKey[];
  readonly problem: (values: OptionValues) => string | undefined;
  readonly hint: string;
}

const time = formatDuration;

const TOKEN_KEYS = [
  'kafka.sasl.oauthbearer.token-file',
  'kafka.sasl.oauthbearer.token-endpoint-url',
  'kafka.sasl.oauthbearer.client-id',
  'kafka.sasl.oauthbearer.client-secret',
  'kafka.sasl.oauthbearer.scope',
] as const satisfies readonly OptionKey[];

/** `first` may not be longer than `second`. */
function notLonger(first: OptionKey, second: OptionKey, hint: string): Rule {
  const problem = (values: OptionValues): string | undefined => {
    const [a, b] = [values[first] as number, values[second] as number];
    return a > b ? `${first} (${time(a)}) is longer than ${second} (${time(b)})` : undefined;
  };
  return { keys: [first, second], problem, hint };
}

const RULES: readonly Rule[] = [
  notLonger(
    'execution.epoch.min-interval',
    'execution.epoch.interval',
    'lower the first or raise the second',
  ),
  {
    keys: ['kafka.transaction-timeout', 'execution.epoch.interval'],
    problem: (v) => {
      const [timeout, interval] = [v['kafka.transaction-timeout'], v['execution.epoch.interval']];
      if (timeout >= 2 * interval) return undefined;
      return `kafka.transaction-timeout (${time(timeout)}) is shorter than two epochs of ${time(interval)}, so that the broker could abort an epoch that is still allowed to run`;
    },
    hint: 'raise kafka.transaction-timeout or lower execution.epoch.interval',
  },
  {
    keys: ['execution.max-poll-interval', 'execution.epoch.interval'],
    problem: (v) => {
      const [limit, interval] = [v['execution.max-poll-interval'], v['execution.epoch.interval']];
      if (limit > interval) return undefined;
      return `execution.max-poll-interval (${time(limit)}) is not longer than execution.epoch.interval (${time(interval)}), so that a healthy executor would be fenced`;
    },
    hint: 'raise the first',
  },
  {
    keys: ['kafka.heartbeat-interval', 'kafka.session-timeout'],
    problem: (v) => {
      const [beat, session] = [v['kafka.heartbeat-interval'], v['kafka.session-timeout']];
      if (2 * beat <= session) return undefined;
      return `kafka.heartbeat-interval (${time(beat)}) leaves no second heartbeat within kafka.session-timeout (${time(session)})`;
    },
    hint: 'a third of the session time-out is usual',
  },
  notLonger(
    'kafka.fetch.max-wait',
    'kafka.request-timeout',
    'every idle fetch would time out: lower the first',
  ),
  {
    keys: ['kafka.fetch.max-partition-bytes', 'kafka.fetch.max-buffered-bytes'],
    problem: (v) => {
      const [one, all] = [v['kafka.fetch.max-partition-bytes'], v['kafka.fetch.max-buffered-bytes']];
      if (one <= all) return undefined;
      return `kafka.fetch.max-partition-bytes (${formatBytes(one)}) is larger than kafka.fetch.max-buffered-bytes (${formatBytes(all)})`;
    },
    hint: 'lower the first or raise the second',
  },
  {
    keys: ['kafka.internal-topics.min-insync-replicas', 'kafka.internal-topics.replication-factor'],
    problem: (v) => {
      const least = v['kafka.internal-topics.min-insync-replicas'];
      const replicas = v['kafka.internal-topics.replication-factor'];
      if (least === null || replicas === null || least <= replicas) return undefined;
      return `kafka.internal-topics.min-insync-replicas (${least}) is more than kafka.internal-topics.replication-factor (${replicas}), so that nothing could be written`;
    },
    hint: 'lower the first or raise the second',
  },
  {
    keys: ['parallelism.default', 'pipeline.max-parallelism'],
    problem: (v) => {
      const [now, most] = [v['parallelism.default'], v['pipeline.max-parallelism']];
      if (now === null || now <= most) return undefined;
      return `parallelism.default (${now}) is more than pipeline.max-parallelism (${most})`;
    },
    hint: 'lower the first, or raise the second if the job has no state yet',
  },
  {
    keys: ['bad-input.policy', 'bad-input.dead-letter-topic'],
    problem: (v) =>
      v['bad-input.policy'] === 'dead-letter' && v['bad-input.dead-letter-topic'] === null
        ? 'bad-input.policy is dead-letter and no bad-input.dead-letter-topic is given'
        : undefined,
    hint: 'set bad-input.dead-letter-topic',
  },
  {
    keys: ['bad-input.policy', 'bad-input.dead-letter-topic'],
    problem: (v) =>
      v['bad-input.policy'] !== 'dead-letter' && v['bad-input.dead-letter-topic'] !== null
        ? `bad-input.dead-letter-topic is given and bad-input.policy is ${v['bad-input.policy']}`
        : undefined,
    hint: 'set bad-input.policy to dead-letter, or take the topic away',
  },
  {
    keys: ['execution.checkpointing.min-pause', 'execution.checkpointing.max-concurrent-checkpoints'],
    problem: (v) =>
      v['execution.checkpointing.min-pause'] > 0 &&
      v['execution.checkpointing.max-concurrent-checkpoints'] > 1
        ? 'execution.checkpointing.min-pause asks for a pause between checkpoints, and max-concurrent-checkpoints lets them overlap'
        : undefined,
    hint: 'leave one of the two at its default',
  },
  notLonger(
    'restart-strategy.exponential-delay.initial-backoff',
    'restart-strategy.exponential-delay.max-backoff',
    'lower the first or raise the second',
  ),
  {
    keys: ['kafka.sasl.mechanism', 'kafka.sasl.username', 'kafka.sasl.password'],
    problem: (v) => {
      if (v['kafka.sasl.mechanism'] === 'oauthbearer') return undefined;
      const parts = [v['kafka.sasl.mechanism'], v['kafka.sasl.username'], v['kafka.sasl.password']];
      const given = parts.filter((part) => part !== null).length;
      return given === 0 || given === parts.length
        ? undefined
        : 'SASL needs a mechanism, a user name and a password';
    },
    hint: 'set all three of kafka.sasl.mechanism, .username and .password, or none',
  },
  {
    keys: ['kafka.sasl.mechanism', 'kafka.sasl.username', 'kafka.sasl.password'],
    problem: (v) =>
      v['kafka.sasl.mechanism'] === 'oauthbearer' &&
      (v['kafka.sasl.username'] !== null || v['kafka.sasl.password'] !== null)
        ? 'kafka.sasl.mechanism is oauthbearer, which has no user name and no password'
        : undefined,
    hint: 'leave them out, or choose another mechanism',
  },
  {
    keys: ['kafka.sasl.mechanism', ...TOKEN_KEYS],
    problem: (v) =>
      v['kafka.sasl.mechanism'] !== 'oauthbearer' && TOKEN_KEYS.some((key) => v[key] !== null)
        ? 'kafka.sasl.oauthbearer options are set, and the mechanism is another one'
        : undefined,
    hint: 'set kafka.sasl.mechanism to oauthbearer, or leave them out',
  },
  {
    keys: ['kafka.sasl.mechanism', ...TOKEN_KEYS],
    problem: (v) => {
      if (v['kafka.sasl.mechanism'] !== 'oauthbearer') return undefined;
      const [file, url, id, secret, scope] = TOKEN_KEYS.map((key) => v[key] !== null);
      const fromFile = file && !url && !id && !secret && !scope;
      const fromEndpoint = !file && url && id && secret;
      return fromFile || fromEndpoint ? undefined : 'SASL OAUTHBEARER needs one source of tokens';
    },
    hint: 'set either kafka.sasl.oauthbearer.token-file, or .token-endpoint-url with .client-id and .client-secret',
  },
  {
    keys: ['kafka.ssl.cert-file', 'kafka.ssl.key-file'],
    problem: (v) =>
      (v['kafka.ssl.cert-file'] === null) === (v['kafka.ssl.key-file'] === null)
        ? undefined
        : 'a client certificate needs both kafka.ssl.cert-file and kafka.ssl.key-file',
    hint: 'set both or none',
  },
  {
    keys: ['kafka.ssl.enabled'],
    problem: (v) =>
      v['kafka.ssl.enabled'] === false && usesTls(v)
        ? 'kafka.ssl.enabled is false and other kafka.ssl options are set'
        : undefined,
    hint: 'take them away, or leave kafka.ssl.enabled out',
  },
];

/** Whether any TLS option other than the switch itself is set. */
export function usesTls(values: OptionValues): boolean {
  return [
    values['kafka.ssl.ca-file'],
    values['kafka.ssl.cert-file'],
    values['kafka.ssl.key-file'],
    values['kafka.ssl.key-passphrase'],
    values['kafka.ssl.server-name'],
  ].some((value) => value !== null);
}

/** Refuses options that contradict each other. @throws TM1002 with the places that the values came from. */
export function refuseContradictions(values: OptionValues, origins: ReadonlyMap<OptionKey, string>): void {
  for (const rule of RULES) {
    const problem = rule.problem(values);
    if (problem === undefined) continue;
    const where = rule.keys.map((key) => `${key} from ${origins.get(key) ?? 'the defaults'}`).join(', ');
    throw new TidemarkError('TM1002', 'usage', problem, { where, hint: rule.hint });
  }
}
