import { Worker } from 'node:worker_threads';
import { join } from 'node:path';
import type { ResolvedConfig } from '../config/resolved-config';
import { TidemarkError, type ErrorCode, type Reaction } from '../errors';
import type { Logger } from '../util/logger';
import type { ExecutorSnapshot } from './executor-snapshot';

/** What a worker thread is started with. Everything is plain data: the job is loaded by its module path. */
export interface WorkerInput {
  readonly modulePath: string;
  readonly config: ResolvedConfig;
  readonly instanceId: string;
  readonly index: number;
  readonly untilEnd: boolean;
}

/** An error on its way between threads, where class identity is lost. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly reaction: Reaction;
  readonly message: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

export type FromWorker =
  | { readonly kind: 'snapshot'; readonly snapshot: ExecutorSnapshot }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>> | undefined;
    }
  | { readonly kind: 'at-end'; readonly epochs: number | null }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'finished' };

export type ToWorker = { readonly kind: 'stop' | 'at-end?' };

/** One executor as its instance holds it, wherever it runs. */
export interface ExecutorHandle {
  readonly finished: Promise<void>;
  snapshot(): ExecutorSnapshot | null;
  /** See `end-of-input.ts`. One question at a time; never answered by an executor that has ended. */
  epochsAtEnd(): Promise<number | null>;
  stop(): void;
}

/** Starts an executor in a worker thread of its own. */
export function startExecutorThread(input: WorkerInput, logger: Logger): ExecutorHandle {
  const worker = new Worker(join(__dirname, 'executor-worker.js'), { workerData: input });
  let latest: ExecutorSnapshot | null = null;
  let answerAtEnd: ((epochs: number | null) => void) | null = null;
  const finished = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'snapshot':
          latest = message.snapshot;
          break;
        case 'at-end':
          answerAtEnd?.(message.epochs);
          break;
        case 'log':
          logger[message.level](message.message, { executor: input.index, ...message.fields });
          break;
        case 'failed':
          reject(revive(message.error));
          break;
        case 'finished':
          resolve();
          break;
      }
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      reject(
        new TidemarkError('TM9001', 'stop', `executor ${input.index} ended with code ${code}`, {
          hint: 'its thread was terminated, perhaps for lack of memory',
        }),
      );
    });
  });
  return {
    finished,
    snapshot: () => latest,
    epochsAtEnd: () =>
      new Promise((resolve) => {
        answerAtEnd = resolve;
        worker.postMessage({ kind: 'at-end?' } satisfies ToWorker);
      }),
    stop: () => worker.postMessage({ kind: 'stop' } satisfies ToWorker),
  };
}

function revive(plain: PlainError): TidemarkError {
  const error = new TidemarkError(plain.code, plain.reaction, plain.message, {
    ...(plain.where === undefined ? {} : { where: plain.where }),
    ...(plain.hint === undefined ? {} : { hint: plain.hint }),
  });
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}
