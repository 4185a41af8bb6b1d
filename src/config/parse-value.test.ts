import { homedir } from 'node:os';
import { join } from 'node:path';
import type { OptionSpec } from './option-spec';
import { parseValue } from './parse-value';

const base = { code: 'x', doc: 'x', scope: 'job' } as const;
const duration: OptionSpec = { ...base, type: 'duration', default: '1 s', min: 10 };
const bytes: OptionSpec = { ...base, type: 'bytes', default: '1 kb', min: 100, max: 2048 };
const int: OptionSpec = { ...base, type: 'int', default: 1, min: 1, max: 9 };
const orUnlimited: OptionSpec = { ...base, type: 'int', default: null, min: 1, max: 9, unlimited: true };
const number: OptionSpec = { ...base, type: 'number', default: 0.5, min: 0, max: 1 };
const boolean: OptionSpec = { ...base, type: 'boolean', default: true };
const choice: OptionSpec = {
  ...base,
  type: 'enum',
  default: 'leveldb',
  values: ['leveldb', 'heap'],
  synonyms: { rocksdb: { value: 'leveldb', notice: true }, hashmap: { value: 'heap', notice: false } },
};
const name: OptionSpec = {
  ...base,
  type: 'string',
  default: null,
  pattern: /^[a-z]+$/,
  patternText: 'small letters',
};
const secret: OptionSpec = { ...name, secret: true };
const path: OptionSpec = { ...base, type: 'path', default: null };
const location: OptionSpec = { ...base, type: 'location', default: null };
const list: OptionSpec = {
  ...base,
  type: 'list',
  default: [],
  pattern: /^\w+:\d+$/,
  patternText: 'host:port',
};

describe('takes', () => {
  test.each<[string, OptionSpec, unknown, unknown]>([
    ['a duration', duration, '10 min', 600_000],
    ['a duration as a number', duration, 250, 250],
    ['a size', bytes, '1 kb', 1024],
    ['a size as a number', bytes, 2048, 2048],
    ['an integer', int, 3, 3],
    ['an integer as text', int, ' 7 ', 7],
    ['unlimited', orUnlimited, 'unlimited', null],
    ['a limit instead', orUnlimited, '4', 4],
    ['a number', number, '0.25', 0.25],
    ['a boolean', boolean, false, false],
    ['a boolean as text', boolean, 'TRUE', true],
    ['a word of a list, whatever its case', choice, 'Heap', 'heap'],
    ['a synonym', choice, 'hashmap', 'heap'],
    ['text', name, 'abc', 'abc'],
    ['digits as text', { ...base, type: 'string', default: null }, 1234, '1234'],
    ['an absolute path', path, '/var/x', '/var/x'],
    ['a relative path', path, 'x/y', join(process.cwd(), 'x/y')],
    ['a path below the home directory', path, '~/x', join(homedir(), 'x')],
    ['a list as text', list, 'a:1, b:2', ['a:1', 'b:2']],
    ['a list as an array', list, ['a:1'], ['a:1']],
    ['a file location', location, 'file:///var/x/', 'file:///var/x'],
    ['a path as a location', location, '/var/a b', 'file:///var/a%20b'],
    ['an S3 location', location, 's3://my-bucket/a/b/', 's3://my-bucket/a/b'],
  ])('%s', (_, spec, raw, value) => expect(parseValue(spec, raw)).toMatchObject({ ok: true, value }));
});

describe('refuses', () => {
  test.each<[OptionSpec, unknown, string]>([
    [duration, 'soon', "must be a duration such as '500 ms' or '10 min', and is 'soon'"],
    [duration, '5 ms', "must be at least 10 ms, and is '5 ms'"],
    [duration, true, "must be a duration such as '500 ms' or '10 min', and is true"],
    [bytes, '3 kb', "must be at most 2 kb, and is '3 kb'"],
    [bytes, '1 b', "must be at least 100 bytes, and is '1 b'"],
    [bytes, 'big', "must be a size such as '64 mb' or '900 kb', and is 'big'"],
    [int, '0', "must be a whole number from 1 to 9, and is '0'"],
    [int, 2.5, 'must be a whole number from 1 to 9, and is 2.5'],
    [int, 'unlimited', "must be a whole number from 1 to 9, and is 'unlimited'"],
    [orUnlimited, 'x', "must be a whole number from 1 to 9, or 'unlimited', and is 'x'"],
    [number, '2', "must be a number from 0 to 1, and is '2'"],
    [number, '', 'must be a number from 0 to 1, and is empty'],
    [boolean, 'yes', "must be true or false, and is 'yes'"],
    [boolean, 1, 'must be true or false, and is 1'],
    [choice, 'constructor', "must be one of leveldb, heap, and is 'constructor'"],
    [choice, null, 'must be one of leveldb, heap, and is empty'],
    [name, 'ABC', "must be small letters, and is 'ABC'"],
    [name, '', 'must be small letters, and is empty'],
    [path, 5, 'must be a path, and is 5'],
    [list, 'a', "must be host:port, and is 'a'"],
    [list, [], 'must be host:port, and is empty'],
    [list, ['a:1', 2], "must be host:port, and is ['a:1', 2]"],
    [location, 'ftp://x', "must be a file:// or s3:// location, and is 'ftp://x'"],
    [location, '', 'must be a file:// or s3:// location, and is empty'],
    [location, 'file://host/x', "must be file:// and an absolute path, and is 'file://host/x'"],
    [location, 's3://', "must name a bucket as in s3://bucket/prefix, and is 's3://'"],
    [location, 7, 'must be a file:// or s3:// location, and is 7'],
  ])('%j %j', (spec, raw, problem) => expect(parseValue(spec, raw)).toMatchObject({ ok: false, problem }));

  test('a secret without printing it', () => {
    expect(JSON.stringify(parseValue(secret, 'HUNTER2'))).not.toContain('HUNTER2');
  });
});

test('gives hints', () => {
  expect(parseValue(choice, 'leveldbb')).toMatchObject({ hint: "did you mean 'leveldb'?" });
  expect(parseValue(location, 'hdfs://nn/x')).toMatchObject({ hint: expect.stringContaining('HDFS') });
  expect(parseValue(location, 's3a://b/x')).toMatchObject({ hint: 'write s3:// instead' });
});

test('tells the user of a synonym that is not quite the same', () => {
  expect(parseValue(choice, 'rocksdb')).toEqual({
    ok: true,
    value: 'leveldb',
    notice: "'rocksdb' is taken for 'leveldb'",
  });
  expect(parseValue(choice, 'hashmap')).toEqual({ ok: true, value: 'heap' });
});
