import { isTidemarkError } from '../errors';
import { resolveConfig } from './resolve-config';

const set = (options: readonly string[]) => resolveConfig({ jobName: 'j', set: [...options] });

function refusal(options: readonly string[]): string {
  try {
    set(options);
  } catch (error) {
    if (isTidemarkError(error)) return error.describe();
  }
  return 'taken';
}

describe('SASL OAUTHBEARER', () => {
  it('takes tokens from a file', () => {
    const config = set([
      'kafka.sasl.mechanism=oauthbearer',
      `kafka.sasl.oauthbearer.token-file=${__filename}`,
    ]);
    expect(config.kafka.sasl).toMatchObject({
      mechanism: 'oauthbearer',
      oauthbearer: { tokenFile: __filename },
    });
  });

  it.each<[string, string[], string]>([
    ['OAUTHBEARER without tokens', ['kafka.sasl.mechanism=oauthbearer'], 'needs one source of tokens'],
    [
      'OAUTHBEARER with two sources of tokens',
      [
        'kafka.sasl.mechanism=oauthbearer',
        `kafka.sasl.oauthbearer.token-file=${__filename}`,
        'kafka.sasl.oauthbearer.token-endpoint-url=https://tokens.example',
      ],
      'needs one source of tokens',
    ],
    [
      'an endpoint without a secret',
      [
        'kafka.sasl.mechanism=oauthbearer',
        'kafka.sasl.oauthbearer.token-endpoint-url=https://tokens.example',
        'kafka.sasl.oauthbearer.client-id=c',
      ],
      'needs one source of tokens',
    ],
    [
      'OAUTHBEARER with a password',
      ['kafka.sasl.mechanism=oauthbearer', 'kafka.sasl.username=u', 'kafka.sasl.password=p'],
      'has no user name and no password',
    ],
    [
      'a token without its mechanism',
      [
        'kafka.sasl.mechanism=plain',
        'kafka.sasl.username=u',
        'kafka.sasl.password=p',
        `kafka.sasl.oauthbearer.token-file=${__filename}`,
      ],
      'the mechanism is another one',
    ],
  ])('refuses %s: TM1002', (_, options, words) => {
    const text = refusal(options);
    expect(text).toMatch(/^TM1002 /);
    expect(text).toContain(words);
  });
});
