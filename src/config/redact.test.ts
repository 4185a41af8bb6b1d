import { redactedConfig, SECRET_PATHS } from './redact';
import { resolveConfig } from './resolve-config';

const secrets = ['kafka.sasl.password=hunter2', 'kafka.ssl.key-passphrase=hunter3'];
const tokens = [
  'kafka.sasl.mechanism=oauthbearer',
  'kafka.sasl.oauthbearer.token-endpoint-url=https://tokens.example/token',
  'kafka.sasl.oauthbearer.client-id=ada',
  'kafka.sasl.oauthbearer.client-secret=hunter4',
];
const rest = ['kafka.sasl.mechanism=plain', 'kafka.sasl.username=ada', 'executors=3'];

test('hides every secret and nothing else', () => {
  const config = resolveConfig({ jobName: 'j', set: [...secrets, ...rest] });
  const redacted = redactedConfig(config);
  expect(JSON.stringify(redacted)).not.toContain('hunter');
  expect(redacted).toEqual({
    ...config,
    kafka: {
      ...config.kafka,
      sasl: { mechanism: 'plain', username: 'ada', password: '***' },
      ssl: { ...config.kafka.ssl, keyPassphrase: '***' },
    },
  });
});

test.each(SECRET_PATHS)('%s is where the resolved configuration has it', (path) => {
  const set = path.startsWith('kafka.sasl.oauthbearer.') ? tokens : [...secrets, ...rest];
  const config = resolveConfig({ jobName: 'j', set });
  expect(JSON.stringify(redactedConfig(config))).not.toContain('hunter');
  const value = path
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], config);
  expect(value).toMatch(/^hunter/);
});

test('a secret that is not set stays null', () => {
  const config = resolveConfig({ jobName: 'j', set: ['kafka.ssl=true'] });
  expect(redactedConfig(config)).toEqual(config);
});
