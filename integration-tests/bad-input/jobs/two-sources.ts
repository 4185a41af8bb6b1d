import { defineJob, json } from 'tidemark';

interface Event {
  readonly user: string;
}

const { JOB_LEFT = 'left', JOB_RIGHT = 'right', JOB_OUTPUT = 'counts' } = process.env;
const userOf = (event: Event): string => event.user;

/** Counts over two topics that are declared to be partitioned by user, without a shuffle. */
export default defineJob('two-sources', (env) => {
  const left = env.source(JOB_LEFT, { value: json<Event>(), partitionedBy: userOf }).keyBy();
  const right = env.source(JOB_RIGHT, { value: json<Event>(), partitionedBy: userOf }).keyBy();
  left.merge(right).count({ name: 'counts' }).to(JOB_OUTPUT, { value: json() });
});
