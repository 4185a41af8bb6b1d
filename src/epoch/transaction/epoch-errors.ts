import { TidemarkError } from '../../errors';
import { brokerError } from '../../kafka/client/broker-errors';
import { tpKey, type PartitionError } from '../../kafka/port';
import { kafkaErrorName } from '../../kafka/protocol/errors';
import { must } from '../../util/asserts';
import type { StepVerdict } from '../protocol/commit-steps';

/** Names the partition that makes retrying pointless, if one of an answer does. @throws {TidemarkError} with reaction `stop` */
export function refuseForbidden(
  answers: readonly PartitionError[],
  api: string,
  judge: (errorCode: number) => StepVerdict,
  transactionalId: string,
): void {
  const stopped = answers.find(({ errorCode }) => judge(errorCode) === 'stop');
  if (stopped === undefined) return;
  const what = `${api} for ${tpKey(stopped.topic, stopped.partition)}`;
  throw stepError('stop', what, stopped.errorCode, transactionalId);
}

/** The error for a step's verdict; `what` begins with the request's name, `errorCode` null: no answer came. */
export function stepError(
  verdict: Exclude<StepVerdict, 'clean' | 'retry'>,
  what: string,
  errorCode: number | null,
  transactionalId: string,
  cause?: unknown,
): TidemarkError {
  const answer = errorCode === null ? 'no answer' : kafkaErrorName(errorCode);
  const details = { where: transactionalId, cause };
  switch (verdict) {
    case 'fenced':
      return new TidemarkError('TM5001', 'abort-epoch', `${what} was refused: ${answer}`, details);
    case 'membership-lost':
      return new TidemarkError('TM5005', 'rejoin', `${what} was refused: ${answer}`, details);
    case 'duplicate-instance':
      return new TidemarkError('TM1012', 'stop', `${what} was refused: ${answer}`, {
        ...details,
        hint: 'another live process has this instance id; give each process its own --instance-id',
      });
    case 'stop': {
      const [api = what] = what.split(' ', 1);
      const { code, hint } = brokerError(api, must(errorCode, 'error code'), transactionalId);
      const told = hint === undefined ? details : { ...details, hint };
      return new TidemarkError(code, 'stop', `${what} was refused: ${answer}`, told);
    }
    case 'abort': {
      const code = errorCode === null ? 'TM5004' : 'TM5002';
      return new TidemarkError(code, 'abort-epoch', `${what}: ${answer}`, details);
    }
  }
}
