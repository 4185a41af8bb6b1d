import { defineJob } from '../../dsl/job';
import type { ResolvedConfig } from '../../config/resolved-config';
import type { RunOptions } from '../../runtime/run-api';
import { json } from '../../serde';
import type { CliServices } from '../services';
import { FakeCluster } from './fake-cluster';
import { FakeRun } from './fake-run';

/** The engine of a test: a job that counts clicks, one run, one cluster, a local Kafka that is only pretended. */
export class TestServices implements CliServices {
  readonly run = new FakeRun();
  readonly cluster = new FakeCluster();
  readonly started: { readonly config: ResolvedConfig; readonly options: RunOptions }[] = [];
  /** Brokers that run already. */
  runningKafka: string | undefined;
  readonly localKafka: { port: number | undefined; stopped: boolean }[] = [];
  readonly job = defineJob('clicks', (env) =>
    env
      .source('raw-clicks', { value: json<{ user: string }>() })
      .keyBy((click) => click.user, { name: 'by-user' })
      .count({ name: 'counts' })
      .to('user-counts', { value: json() }),
  );

  loadJob: CliServices['loadJob'] = (path) => Promise.resolve({ job: this.job, modulePath: `/jobs/${path}` });

  runJob: CliServices['runJob'] = (_job, config, options) => {
    this.started.push({ config, options });
    return Promise.resolve(this.run);
  };

  connectKafka: CliServices['connectKafka'] = () => this.cluster.port();

  startLocalKafka: CliServices['startLocalKafka'] = (port, report) => {
    report('starting a broker');
    const kafka = { port, stopped: false };
    this.localKafka.push(kafka);
    return Promise.resolve({
      brokers: `127.0.0.1:${port ?? 9092}`,
      started: this.runningKafka === undefined,
      stop: () => {
        kafka.stopped = true;
        return Promise.resolve();
      },
    });
  };
}
