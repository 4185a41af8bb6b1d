import { KafkaRequestError } from '../port';
import { KAFKA_ERRORS } from '../protocol/errors';
import { brokerError, connectionError, reactionTo } from './broker-errors';

describe('reactionTo', () => {
  it('retries whatever Kafka marks retriable', () => {
    for (const [code, info] of KAFKA_ERRORS) {
      if (info.retriable) expect([info.name, reactionTo(code)]).toEqual([info.name, 'retry']);
    }
  });

  it.each([
    [22, 'rejoin'],
    [25, 'rejoin'],
    [27, 'rejoin'],
    [47, 'rejoin'],
    [90, 'rejoin'],
    [48, 'abort-epoch'],
    [49, 'abort-epoch'],
    [82, 'stop'],
    [29, 'stop'],
    [1, 'stop'],
    [37, 'usage'],
    [9999, 'abort-epoch'],
    [-1, 'abort-epoch'],
  ])('code %i: %s', (code, reaction) => expect(reactionTo(code)).toBe(reaction));
});

describe('brokerError', () => {
  it.each([
    [3, 'TM2003'],
    [29, 'TM2008'],
    [30, 'TM2008'],
    [53, 'TM2008'],
    [47, 'TM5001'],
    [90, 'TM5001'],
    [82, 'TM1012'],
    [22, 'TM5005'],
    [25, 'TM5005'],
    [27, 'TM5005'],
    [56, 'TM2002'],
    [9999, 'TM2002'],
  ])('code %i is %s', (kafkaCode, code) => {
    const error = brokerError('Fetch', kafkaCode, 'clicks-0@7');
    expect(error).toMatchObject({ code, where: 'clicks-0@7', reaction: reactionTo(kafkaCode) });
    expect(error.message).toContain(`(${kafkaCode})`);
  });

  it('names the error', () => {
    expect(brokerError('Fetch', 6, 'x').message).toContain('NOT_LEADER_OR_FOLLOWER');
  });
});

describe('connectionError', () => {
  it('keeps the cause', () => {
    const cause = new KafkaRequestError('Fetch', 'reset', false);
    expect(connectionError(cause, 'broker 1')).toMatchObject({ code: 'TM2001', reaction: 'retry', cause });
  });

  it('lets a bug through', () => {
    const bug = new TypeError('undefined is not a function');
    expect(() => connectionError(bug, 'broker 1')).toThrow(bug);
  });
});
