import { TidemarkError } from '../../errors';
import { humanLogger } from './human-logger';
import { jsonLogger } from './json-logger';

const clock = { now: () => Date.UTC(2030, 0, 1, 12, 34, 56), monotonic: () => 0 };
const error = new TidemarkError('TM2001', 'retry', 'broker is away', {
  where: 'b:1',
  cause: new Error('ECONNREFUSED'),
});

describe('JSON', () => {
  function log(level: 'debug' | 'warn'): { logger: ReturnType<typeof jsonLogger>; lines: () => unknown[] } {
    const written: string[] = [];
    const logger = jsonLogger(level, (line) => written.push(line), { application: 'app' });
    return { logger, lines: () => written.map((line) => JSON.parse(line) as unknown) };
  }

  test('one object a line, level by name', () => {
    const { logger, lines } = log('debug');
    logger.debug('a');
    logger.error('b', { topic: 't', offset: 12n });
    expect(lines()).toEqual([
      { level: 'debug', time: expect.any(String), application: 'app', message: 'a' },
      { level: 'error', time: expect.any(String), application: 'app', topic: 't', offset: 12, message: 'b' },
    ]);
  });

  test('nothing below the level', () => {
    const { logger, lines } = log('warn');
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    expect(lines()).toMatchObject([{ message: 'c' }]);
  });

  test('errors by code and causes, without stack', () => {
    const { logger, lines } = log('debug');
    logger.warn('retrying', { error });
    expect(lines()).toMatchObject([
      { error: { code: 'TM2001', message: 'broker is away', where: 'b:1', causes: ['ECONNREFUSED'] } },
    ]);
    expect(JSON.stringify(lines())).not.toContain('loggers.test');
  });

  test('secrets are hidden down to three levels', () => {
    const { logger, lines } = log('debug');
    const nested = {
      a: { b: { password: 'hunter2', 'key-passphrase': 'hunter2' } },
      keyPassphrase: 'hunter2',
    };
    logger.info('x', nested);
    expect(JSON.stringify(lines())).not.toContain('hunter2');
  });
});

describe('for people', () => {
  function lineOf(fields: Record<string, unknown>): string {
    let text = '';
    humanLogger('info', clock, (line) => (text += line)).info('went', fields);
    return text;
  }

  test.each<[Record<string, unknown>, string]>([
    [{}, '12:34:56 INFO  went'],
    [{ topic: 'a-b.c', offset: 12n }, '12:34:56 INFO  went topic=a-b.c offset="12"'],
    [{ text: 'two words' }, '12:34:56 INFO  went text="two words"'],
    [{ none: undefined, list: [1, 2] }, '12:34:56 INFO  went none=undefined list=[1,2]'],
    [
      { password: 'x', sasl: { password: 'x', username: 'u' } },
      '12:34:56 INFO  went password=*** sasl={"password":"***","username":"u"}',
    ],
    [
      { error },
      '12:34:56 INFO  went error={"code":"TM2001","message":"broker is away","where":"b:1","causes":["ECONNREFUSED"]}',
    ],
  ])('line %#', (fields, line) => expect(lineOf(fields)).toBe(line));

  test('nothing below the level', () => {
    const lines: string[] = [];
    const logger = humanLogger('warn', clock, (line) => lines.push(line));
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    expect(lines).toEqual(['12:34:56 WARN  c', '12:34:56 ERROR d']);
  });
});
