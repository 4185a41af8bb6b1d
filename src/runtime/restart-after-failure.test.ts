import { TidemarkError, type ErrorCode, type Reaction } from '../errors';
import { KafkaRequestError, type GroupIdentity } from '../kafka/port';
import { UnwritableState } from '../state/unwritable-state';
import { silentLogger } from '../util/logger';
import type { Executor } from './executor';
import { recoverFrom } from './failure-handling';
import { ReplayNeeded } from './replay-needed';

const IDENTITY: GroupIdentity = { groupId: 'app', generationId: 3, memberId: 'm', groupInstanceId: 'i-0' };

interface Plan {
  /** Answers to heartbeats: codes, or a lost one. */
  readonly heartbeats?: readonly (number | 'lost')[];
  /** Outcomes of fence(): a code that it throws, or done. */
  readonly fences?: readonly (ErrorCode | 'done')[];
  readonly identity?: GroupIdentity | null;
  /** What the commit that is under way comes to. */
  readonly commit?: TidemarkError;
}

/** An executor that writes down what is done with it, in order. */
function setUp({ heartbeats = [], fences = [], identity = IDENTITY, commit }: Plan = {}) {
  const done: string[] = [];
  const beats = [...heartbeats];
  const outcomes = [...fences];
  const note = (what: string) => () => {
    done.push(what);
    return Promise.resolve();
  };
  const executor = {
    identity,
    aborted: new Map<string, number>(),
    stopSignal: new AbortController().signal,
    backoff: { pause: note('pause') },
    dropEpoch: note('drop'),
    reload: note('reload'),
    disown: note('disown'),
    requestRejoin: note('rejoin'),
    epochs: {
      settle: () => {
        done.push('settle');
        return commit === undefined ? Promise.resolve() : Promise.reject(commit);
      },
    },
    pump: { blame: ({ reason }: UnwritableState) => new ReplayNeeded(reason, 'fewer-records') },
    committer: {
      fence: (how: string) => {
        done.push(`fence ${how}`);
        const outcome = outcomes.shift() ?? 'done';
        return outcome === 'done' ? Promise.resolve() : Promise.reject(failure(outcome, 'abort-epoch'));
      },
    },
    context: {
      instanceId: 'i',
      logger: silentLogger,
      port: {
        heartbeat: (group: GroupIdentity) => {
          done.push(`heartbeat ${group.generationId}`);
          const answer = beats.shift() ?? 0;
          if (answer === 'lost') return Promise.reject(new KafkaRequestError('Heartbeat', 'lost', false));
          return Promise.resolve({ errorCode: answer });
        },
      },
    },
  };
  return { executor: executor as unknown as Executor, done };
}

const failure = (code: ErrorCode, reaction: Reaction) => new TidemarkError(code, reaction, 'it failed');
const inDoubt = failure('TM5004', 'abort-epoch');
const fenced = failure('TM5001', 'abort-epoch');

describe('A4: in doubt: drop, fence with the own identity, reload from the log', () => {
  it('in this order, and memory is never kept', async () => {
    const { executor, done } = setUp();
    await recoverFrom(inDoubt, executor);
    expect(done).toEqual(['drop', 'pause', 'fence own', 'reload']);
    expect(executor.aborted.get('TM5004')).toBe(1);
  });

  it('fences again when the answer to the fencing is lost', async () => {
    const { executor, done } = setUp({ fences: ['TM5004', 'done'] });
    await recoverFrom(inDoubt, executor);
    expect(done).toEqual(['drop', 'pause', 'fence own', 'drop', 'pause', 'fence own', 'reload']);
  });
});

describe('A4: who was fenced must hold a current generation before it takes its id back', () => {
  it('confirms it by a heartbeat, then takes over', async () => {
    const { executor, done } = setUp({ heartbeats: [0] });
    await recoverFrom(fenced, executor);
    expect(done).toEqual(['drop', 'pause', 'heartbeat 3', 'fence takeover', 'reload']);
  });

  it('also when it finds out only while it fences itself', async () => {
    const { executor, done } = setUp({ fences: ['TM5001', 'done'] });
    await recoverFrom(inDoubt, executor);
    expect(done).toEqual([
      'drop',
      'pause',
      'fence own',
      'drop',
      'pause',
      'heartbeat 3',
      'fence takeover',
      'reload',
    ]);
  });

  it.each([22, 25, 27])(
    'an answer of %d: it owns nothing any more, takes nothing over, and joins again',
    async (code) => {
      const { executor, done } = setUp({ heartbeats: [code] });
      await recoverFrom(fenced, executor);
      expect(done).toEqual(['drop', 'pause', 'heartbeat 3', 'disown', 'rejoin']);
    },
  );

  it('a lost heartbeat proves nothing: it asks again', async () => {
    const { executor, done } = setUp({ heartbeats: ['lost', 0] });
    await recoverFrom(fenced, executor);
    expect(done).toEqual([
      'drop',
      'pause',
      'heartbeat 3',
      'drop',
      'pause',
      'heartbeat 3',
      'fence takeover',
      'reload',
    ]);
  });

  it('FENCED_INSTANCE_ID (82) proves a duplicate instance: the job stops', async () => {
    const { executor, done } = setUp({ heartbeats: [82] });
    await expect(recoverFrom(fenced, executor)).rejects.toMatchObject({ code: 'TM1012', reaction: 'stop' });
    expect(done).not.toContain('fence takeover');
  });

  it('without any identity it takes nothing over', async () => {
    const { executor, done } = setUp({ identity: null });
    await recoverFrom(fenced, executor);
    expect(done).toEqual(['drop', 'pause', 'disown', 'rejoin']);
  });
});

describe('A5: what is done with a failure follows from its reaction alone', () => {
  it.each<Reaction>(['stop', 'usage'])('%s is thrown on', async (reaction) => {
    const { executor, done } = setUp();
    await expect(recoverFrom(failure('TM4001', reaction), executor)).rejects.toMatchObject({
      code: 'TM4001',
    });
    expect(done).toEqual([]);
  });

  it('what nobody meant to raise is thrown on', async () => {
    const { executor } = setUp();
    await expect(recoverFrom(new TypeError('a bug'), executor)).rejects.toThrow('a bug');
  });

  it('a lost membership drops everything owned before the id is taken and the group joined', async () => {
    const { executor, done } = setUp();
    await recoverFrom(failure('TM5005', 'rejoin'), executor);
    expect(done).toEqual(['disown', 'drop', 'pause', 'fence takeover', 'rejoin']);
  });
});

describe('A5: a replay for the sake of one record', () => {
  const reason = failure('TM3002', 'stop');
  const triggers = [
    ['a bad record', new ReplayNeeded(reason, 'record-marked')],
    ['a state value that cannot be written', new UnwritableState('a value', reason)],
  ] as const;

  it.each(triggers)('%s: the commit under way ends first; the producer is untouched', async (_, trigger) => {
    const { executor, done } = setUp();
    await recoverFrom(trigger, executor);
    expect(done).toEqual(['settle', 'drop', 'reload']);
  });

  it.each(triggers)(
    '%s: a commit under way that fails is never forgotten with the epoch',
    async (_, trigger) => {
      const { executor, done } = setUp({ commit: inDoubt });
      await recoverFrom(trigger, executor);
      expect(done).toEqual(['settle', 'drop', 'pause', 'fence own', 'reload']);
      expect(executor.aborted.get('TM5004')).toBe(1);
    },
  );

  it.each(triggers)('%s: a commit under way after which the job must stop stops it', async (_, trigger) => {
    const { executor, done } = setUp({ commit: failure('TM1012', 'stop') });
    await expect(recoverFrom(trigger, executor)).rejects.toMatchObject({ code: 'TM1012' });
    expect(done).toEqual(['settle']);
  });
});
