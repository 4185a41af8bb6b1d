import { TidemarkError } from '../../errors';
import { kafkaErrorName } from '../../kafka/protocol/errors';
import type { StepVerdict } from '../protocol/commit-steps';

/** The error for a step's verdict; `what` names the request, `errorCode` null: no answer came. */
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
    case 'stop':
      return new TidemarkError('TM2008', 'stop', `${what} was refused: ${answer}`, {
        ...details,
        hint: 'grant the principal of this job Write and Describe on its transactional ids',
      });
    case 'abort': {
      const code = errorCode === null ? 'TM5004' : 'TM5002';
      return new TidemarkError(code, 'abort-epoch', `${what}: ${answer}`, details);
    }
  }
}
