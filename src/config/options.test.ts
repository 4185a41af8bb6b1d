import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationPage, undocumentedKeys } from './config-docs';
import { OPTION_KEYS, findOption, optionSpec } from './options';
import { envName } from './option-spec';
import { parseValue } from './parse-value';

const specs = OPTION_KEYS.map((key) => [key, optionSpec(key)] as const);

test.each(specs)('%s has a default that its own type takes', (key, spec) => {
  if (spec.default === null || key === 'kafka.brokers') return;
  expect(parseValue(spec, spec.default)).toMatchObject({ ok: true });
});

test.each(specs)('%s says what a missing default comes to', (_, spec) => {
  expect(spec.default === null).toBe(spec.defaultText !== undefined);
});

test('no two options share an environment variable, a place in code or an alias', () => {
  for (const names of [
    OPTION_KEYS.map(envName),
    specs.map(([, spec]) => spec.code),
    specs.flatMap(([key, spec]) => [key, ...(spec.aliases ?? [])]),
  ]) {
    expect(names).toHaveLength(new Set(names).size);
  }
});

test('no key is the prefix of another, so that files can nest them', () => {
  const clashes = OPTION_KEYS.filter((key) => OPTION_KEYS.some((other) => other.startsWith(`${key}.`)));
  expect(clashes).toEqual([]);
});

test.each([
  ['execution.epoch.min-interval', 'TIDEMARK_EXECUTION_EPOCH_MIN_INTERVAL'],
  ['kafka.brokers', 'TIDEMARK_KAFKA_BROKERS'],
])('environment variable of %s', (key, variable) => expect(envName(key)).toBe(variable));

test.each([
  ['state.backend', 'state.backend.type'],
  ['restart-strategy', 'restart-strategy.type'],
  ['state.checkpoints.dir', 'execution.checkpointing.dir'],
  ['toString', undefined],
])('%s is taken for %s', (alias, key) => expect(findOption(alias)).toBe(key));

describe('docs/configuration.md', () => {
  test('shows every option', () => expect(undocumentedKeys()).toEqual([]));

  test('is what scripts/generate-config-docs.ts writes', () => {
    const committed = readFileSync(join(__dirname, '..', '..', 'docs', 'configuration.md'), 'utf8');
    expect(committed).toBe(configurationPage());
  });
});
