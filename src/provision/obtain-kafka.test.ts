import { TidemarkError } from '../errors';
import { completeRequest, firstOpenWay, obtainKafka, type Way } from './obtain-kafka';
import type { KafkaHandle, KafkaSource } from './types';

const handle = (source: KafkaSource): KafkaHandle => ({
  brokers: [],
  version: '4.4.0',
  source,
  nodes: [],
  libDir: undefined,
  logDir: undefined,
  stop: () => Promise.resolve(),
});

let asked: KafkaSource[];

beforeEach(() => {
  asked = [];
});

/** A way that is `open`, is closed for another reason, or fails. */
function way(source: KafkaSource, outcome: string | Error): Way {
  const open = (): Promise<KafkaHandle | string> => {
    asked.push(source);
    if (outcome instanceof Error) return Promise.reject(outcome);
    return Promise.resolve(outcome === 'open' ? handle(source) : outcome);
  };
  return { source, title: source.toUpperCase(), open };
}

describe('firstOpenWay', () => {
  it('stops at the first way that is open', async () => {
    const ways = [way('environment', 'not set'), way('docker', 'open'), way('local', 'open')];
    expect((await firstOpenWay(ways, completeRequest({}))).source).toBe('docker');
    expect(asked).toEqual(['environment', 'docker']);
  });

  it('goes on when a way fails', async () => {
    const ways = [way('docker', new Error('image cannot be pulled')), way('local', 'open')];
    expect((await firstOpenWay(ways, completeRequest({}))).source).toBe('local');
  });

  it('says in one error why each way is closed', async () => {
    const ways = [
      way('environment', 'not set'),
      way('docker', 'no daemon'),
      way('local', new Error('no Maven')),
    ];
    const failure = firstOpenWay(ways, completeRequest({}));
    await expect(failure).rejects.toMatchObject({
      code: 'TM1010',
      reaction: 'usage',
      message: 'no Kafka can be had; ENVIRONMENT: not set; DOCKER: no daemon; LOCAL: no Maven',
      hint: expect.stringMatching(/TIDEMARK_KAFKA_BROKERS.*Docker.*Java 17.*Maven/),
    });
  });

  it('does not go past a final failure', async () => {
    const final = new TidemarkError('TM1005', 'usage', 'nobody answers');
    const ways = [way('environment', final), way('local', 'open')];
    await expect(firstOpenWay(ways, completeRequest({}))).rejects.toBe(final);
    expect(asked).toEqual(['environment']);
  });

  it('asks only the source that is allowed', async () => {
    const ways = [way('environment', 'open'), way('docker', 'open'), way('local', 'open')];
    expect((await firstOpenWay(ways, completeRequest({ source: 'local' }))).source).toBe('local');
    expect(asked).toEqual(['local']);
  });
});

describe('completeRequest', () => {
  it('fills in the defaults', () => {
    expect(completeRequest({})).toMatchObject({
      version: '4.4.0',
      brokers: 1,
      heapMiB: 512,
      detached: false,
    });
  });

  it.each(['3.8.0', 'latest', '4.4'])('refuses version %s', async (version) => {
    await expect(obtainKafka({ version })).rejects.toMatchObject({ code: 'TM1010' });
  });
});
