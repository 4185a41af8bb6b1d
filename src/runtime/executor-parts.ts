import { AtLeastOnceProducer } from '../epoch/transaction/at-least-once-producer';
import type { EpochCommitter } from '../epoch/transaction/committer';
import { TransactionalProducer } from '../epoch/transaction/transactional-producer';
import { OutputBuffers } from '../sink/output-buffers';
import { transactionalIdOf, type ExecutorContext } from './executor-context';

/** The committer that the guarantee asks for. */
export function makeCommitter(context: ExecutorContext): EpochCommitter {
  const { config, port, metadata, platform, fault } = context;
  const options = {
    port,
    metadata,
    platform,
    transactionalId: transactionalIdOf(context),
    transactionTimeoutMs: config.kafka.transactionTimeoutMs,
    requestTimeoutMs: config.kafka.requestTimeoutMs,
    fault,
  };
  return config.checkpointing.mode === 'EXACTLY_ONCE'
    ? new TransactionalProducer(options)
    : new AtLeastOnceProducer(options);
}

export function makeOutput(context: ExecutorContext): OutputBuffers {
  const { maxBatchBytes, compression } = context.config.kafka;
  return new OutputBuffers({
    maxBatchBytes: (topic) => Math.min(maxBatchBytes, context.topics.of(topic).maxMessageBytes),
    compression,
  });
}
