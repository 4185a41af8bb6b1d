import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../util/asserts';
import type { Logger } from '../util/logger';
import { systemPlatform } from '../util/system';
import { epochsAtEnd } from './end-of-input';
import { internalError } from './executor';
import { snapshotOf } from './executor-snapshot';
import type { FromWorker, ToWorker, WorkerInput } from './executor-thread';
import { loadJob } from './load-job';
import { openExecutor } from './open-executor';

/** Entry point of an executor's worker thread: loads the job, runs one executor, reports. */
const SNAPSHOT_EVERY_MS = 200;
const port = must(parentPort, 'parent port: this file is a worker');
const input = workerData as WorkerInput;

function post(message: FromWorker): void {
  port.postMessage(message);
}

const logger: Logger = {
  debug: (message, fields) => post({ kind: 'log', level: 'debug', message, fields: plainFields(fields) }),
  info: (message, fields) => post({ kind: 'log', level: 'info', message, fields: plainFields(fields) }),
  warn: (message, fields) => post({ kind: 'log', level: 'warn', message, fields: plainFields(fields) }),
  error: (message, fields) => post({ kind: 'log', level: 'error', message, fields: plainFields(fields) }),
};

/** Fields must survive the way to the other thread. */
function plainFields(
  fields: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (fields === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value,
    ]),
  );
}

async function main(): Promise<void> {
  const { config, instanceId, index, untilEnd, modulePath } = input;
  const { job } = await loadJob(modulePath);
  const opened = await openExecutor({
    job,
    config,
    platform: systemPlatform,
    logger,
    instanceId,
    index,
    untilEnd,
  });
  const { executor } = opened;
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') return executor.stop();
    void epochsAtEnd(executor).then((epochs) => post({ kind: 'at-end', epochs }));
  });
  let cancel = (): void => undefined;
  const report = (): void => {
    post({ kind: 'snapshot', snapshot: snapshotOf(executor) });
    cancel = systemPlatform.scheduler.after(SNAPSHOT_EVERY_MS, report);
  };
  report();
  try {
    await executor.run();
  } finally {
    cancel();
    post({ kind: 'snapshot', snapshot: snapshotOf(executor) });
    await opened.close();
  }
}

main()
  .then(() => post({ kind: 'finished' }))
  .catch((error: unknown) => {
    const { code, reaction, message, where, hint, stack } = internalError(error);
    post({ kind: 'failed', error: { code, reaction, message, where, hint, stack } });
  })
  .finally(() => port.close());
